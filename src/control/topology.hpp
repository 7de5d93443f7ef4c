#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::control {

struct Node {
  std::string name;
  double cpus = 1;
  std::uint64_t gpus = 0;
  std::uint64_t memory = 0;  ///< bytes; 0: not known, and no limit
  /// Worker ranks that the launcher started there; absent: as many as fit.
  std::optional<std::uint64_t> workers = {};
  std::uint64_t gpu_memory = 0;  ///< bytes of each GPU; 0: not known, and no limit
};

/// The machine: what a plan has to go round.
struct Topology {
  std::vector<Node> nodes;
};

}  // namespace sluice::control
