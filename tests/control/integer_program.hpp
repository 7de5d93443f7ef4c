#pragma once

#include "control/demand.hpp"
#include "control/topology.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sluice::control::world {

/// What an integer-programming solver found.
struct Solved {
  bool feasible = false;
  bool proven = false;    ///< it had time to finish
  double throughput = 0;  ///< of its best solution
};

/// The best plan as an integer program: how many units of each stage on each node, and on each GPU
/// if they take a part of one; everything is whole. Solved by CBC (Debian's coinor-cbc), a program
/// of others that knows nothing of ours. Every stage needs a speed.
Solved solve_by_cbc(const std::vector<StageDemand>& stages, const Topology& topology,
                    double seconds);

/// The least over the stages of what their workers let through, over-provision taken off.
double objective(const std::vector<StageDemand>& stages, const std::vector<std::uint64_t>& workers);

}  // namespace sluice::control::world
