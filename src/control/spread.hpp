#pragma once

#include "control/types.hpp"

#include <cstddef>
#include <map>
#include <set>
#include <vector>

namespace sluice::control {

/// Decides how artifacts get to the nodes of a run: on each, one rank writes them, and the first of
/// those reads each source once and begins a chain along which the pieces go, through all nodes
/// that lack it. Pure.
class Spread {
 public:
  /// `node_of_rank` is -1 for ranks that are lost; the coordinator takes no part.
  Spread(std::size_t artifacts, const std::vector<int>& node_of_rank);

  Rank reader() const { return leaders_.front(); }
  /// One a node, the lowest rank there, in rising order.
  const std::vector<Rank>& leaders() const { return leaders_; }

  /// This leader's node lacks these. True once all have said.
  bool lacks(Rank leader, const std::vector<std::size_t>& artifacts);

  /// By artifact: the reader, and then those that lack it; empty if nobody does. Whether the reader
  /// itself does, it knows.
  const std::vector<std::vector<Rank>>& chains() const { return chains_; }

  /// This rank has done its part. True once all have.
  bool placed(Rank rank);

 private:
  std::vector<Rank> leaders_;
  std::set<Rank> silent_;
  std::vector<std::vector<Rank>> chains_;
  std::set<Rank> at_work_;
};

}  // namespace sluice::control
