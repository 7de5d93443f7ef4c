#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::control {

/// What a stage asks of the plan. Cpus, GPUs and memory are those of one rank.
struct StageDemand {
  std::string name;
  std::optional<double> speed = {};           ///< records/s of one worker; absent: not known
  std::optional<std::uint64_t> workers = {};  ///< pins the number of workers
  std::optional<std::uint64_t> workers_per_node = {};  ///< pins it per node
  double cpus = 1;
  double gpus = 0;               ///< a share below 1, or a whole number
  std::uint64_t gpu_memory = 0;  ///< bytes on each GPU
  std::uint64_t memory = 0;      ///< bytes
  std::uint64_t group = 1;       ///< ranks that make up one worker (SPMD)
  double selectivity = 1;        ///< records out per record in
  double over_provision = 1;     ///< this many times the capacity that it would need

  bool pinned() const { return workers.has_value() || workers_per_node.has_value(); }
};

/// Records that reach each stage for each record of the input.
std::vector<double> flows(const std::vector<StageDemand>& stages);

}  // namespace sluice::control
