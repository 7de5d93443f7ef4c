#pragma once

#include "control/demand.hpp"
#include "control/topology.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::control {

/// The GPUs that a worker gets, if it asks for so many and needs `gpu_memory` bytes on each: a part
/// of one grows until the memory is in it too, so that workers who share a GPU also fit its memory.
/// Nodes with the least memory count, and those of which it is not known don't. Throws LaunchError
/// if no GPU of those can hold it.
double gpu_share(const std::string& stage, double gpus, std::uint64_t gpu_memory,
                 const Topology& topology);

/// All stages, with the GPUs that their workers get.
std::vector<StageDemand> with_gpu_memory(std::vector<StageDemand> stages, const Topology& topology);

}  // namespace sluice::control
