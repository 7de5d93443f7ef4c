#include "control/gpu_share.hpp"

#include <sluice/error.hpp>

#include <algorithm>
#include <cmath>

namespace sluice::control {
namespace {

constexpr double parts = 1e6;  // shares are counted in millionths

const Node* smallest_gpus(const Topology& topology) {
  const Node* smallest = nullptr;
  for (const auto& node : topology.nodes) {
    if (node.gpus == 0 || node.gpu_memory == 0) continue;
    if (smallest == nullptr || node.gpu_memory < smallest->gpu_memory) smallest = &node;
  }
  return smallest;
}

std::string mebibytes(std::uint64_t bytes) { return std::to_string(bytes >> 20U) + " MiB"; }

}  // namespace

double gpu_share(const std::string& stage, double gpus, std::uint64_t gpu_memory,
                 const Topology& topology) {
  const auto* node = gpu_memory > 0 && gpus > 0 ? smallest_gpus(topology) : nullptr;
  if (node == nullptr) return gpus;
  if (gpu_memory > node->gpu_memory) {
    throw LaunchError("stage '" + stage + "' needs " + mebibytes(gpu_memory) +
                      " on each of its GPUs, and those of node '" + node->name + "' have " +
                      mebibytes(node->gpu_memory) +
                      ". Ask for less gpu_memory, or leave out nodes with smaller GPUs.");
  }
  if (gpus >= 1) return gpus;
  const auto part = static_cast<double>(gpu_memory) / static_cast<double>(node->gpu_memory);
  return std::clamp(std::ceil(part * parts) / parts, gpus, 1.0);
}

std::vector<StageDemand> with_gpu_memory(std::vector<StageDemand> stages,
                                         const Topology& topology) {
  for (auto& stage : stages) {
    stage.gpus = gpu_share(stage.name, stage.gpus, stage.gpu_memory, topology);
  }
  return stages;
}

}  // namespace sluice::control
