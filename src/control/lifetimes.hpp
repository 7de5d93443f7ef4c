#pragma once

#include "control/types.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace sluice::control {

/// How long a worker of a stage may go without being set up anew.
struct Lifetime {
  Time longest{0};        ///< 0: for ever
  bool renumber = false;  ///< it is then another worker: what it wrote under its number stands
};

/// Which workers are older than their stage allows, and are to be set up again: of each stage one
/// at a time, the oldest first. One that has taken no batch yet is left alone, however old. Pure.
class Lifetimes {
 public:
  /// Of each stage; there may be none.
  explicit Lifetimes(const std::vector<Lifetime>& stages);

  /// The rank has been set up as a worker of the stage.
  void ready(Rank rank, std::size_t stage, Time now);
  /// It has taken a batch.
  void worked(Rank rank, std::size_t stage);
  /// It has torn down; `returns`: to be set up again in the same stage.
  void left(Rank rank, std::size_t stage, bool returns);
  /// A worker that is to be set up again now. Until it is `ready`, or has left for good, no other
  /// of its stage is named.
  std::optional<Rank> next_due(Time now);
  /// When there will be one, if nothing else happens.
  std::optional<Time> deadline() const;

 private:
  struct Stage {
    Time longest{0};
    std::map<Rank, Time> fresh;               ///< have taken no batch since they were set up, then
    std::set<std::pair<Time, Rank>> workers;  ///< have; the oldest first
    std::optional<Rank> away;                 ///< being set up again
  };
  std::vector<Stage> stages_;
};

}  // namespace sluice::control
