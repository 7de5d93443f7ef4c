#pragma once

#include "control/types.hpp"
#include "runtime/machine.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace sluice::runtime {

/// Gives workers that ask for whole cores some of their own. A worker gets none, and runs wherever
/// the launcher lets it, if it asks for less than one, if the launcher has left it no more than it
/// asks for, or if there are not enough free ones. Nobody gets a core that the launcher did not
/// leave to its rank, and where ranks outnumber cores nobody is bound.
class Seats {
 public:
  using Cores = std::vector<std::uint32_t>;

  void add(control::Rank rank, int node, const Machine& machine);

  /// For a worker of a stage that asks for `cpus`; what the rank had before is free again. The
  /// cores to bind the rank to, or nothing if it is bound right already.
  std::optional<Cores> take(control::Rank rank, double cpus);
  /// What all ranks had is free again, wherever they are bound until they take something else.
  void free_all();

 private:
  struct Seat {
    int node = 0;
    Cores allowed;
    Cores bound;
    bool has_own = false;  ///< cores among `taken`: those that it is bound to
  };
  struct Node {
    std::set<std::uint32_t> cores;
    std::set<std::uint32_t> taken;
    std::size_t ranks = 0;
  };
  void free(Seat& seat);
  Cores choose(const Seat& seat, double cpus) const;

  std::map<control::Rank, Seat> seats_;
  std::map<int, Node> nodes_;
};

}  // namespace sluice::runtime
