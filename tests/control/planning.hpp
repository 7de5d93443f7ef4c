#pragma once

#include "control/plan.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice::control::world {

using Counts = std::vector<std::uint64_t>;

/// Nodes as a run has them: worker ranks, and a cpu for each.
inline Topology ranks_on(const std::vector<int>& node_of_rank) {
  Topology topology;
  for (std::size_t rank = 1; rank < node_of_rank.size(); ++rank) {
    const auto node = static_cast<std::size_t>(node_of_rank[rank]);
    while (topology.nodes.size() <= node) {
      topology.nodes.push_back({"node-" + std::to_string(topology.nodes.size()), 1, 0, 0, 0});
    }
    auto& workers = *topology.nodes[node].workers;
    topology.nodes[node].cpus = static_cast<double>(++workers);
  }
  return topology;
}

/// The coordinator and `workers` ranks, dealt out evenly.
inline std::vector<int> nodes_of_ranks(std::uint64_t workers, std::uint64_t nodes) {
  std::vector<int> node_of_rank{0};
  for (std::uint64_t i = 0; i < workers; ++i) node_of_rank.push_back(static_cast<int>(i % nodes));
  return node_of_rank;
}

inline Counts workers_of(const Plan& plan) {
  Counts counts;
  for (const auto& stage : plan.stages) counts.push_back(stage.workers);
  return counts;
}

inline StageDemand demand(const std::string& name, double cpus, double gpus = 0) {
  StageDemand stage;
  stage.name = name;
  stage.cpus = cpus;
  stage.gpus = gpus;
  return stage;
}

}  // namespace sluice::control::world
