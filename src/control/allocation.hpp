#pragma once

#include "control/packer.hpp"
#include "control/problem.hpp"

namespace sluice::control {

/// Workers of each stage, with a packing that proves that there is room for them.
struct Allocation {
  Counts workers;
  Packing packing;
  Counts needed = {};       ///< of `workers`, what the throughput and equal shares need
  std::uint64_t steps = 0;  ///< what looking for it has cost, Packer::steps
};

/// The workers of each stage for the highest throughput found. Stages of unknown speed get equal
/// shares first. Where the ranks are given, or a speed is not known, what is left is dealt out too.
/// Throws LaunchError if there is no room for the least.
///
/// Throughput is a smallest value over stages, so it is searched for: for a wanted throughput the
/// numbers of workers follow, and packing them says whether it can be had.
Allocation allocate(const Problem& problem);

}  // namespace sluice::control
