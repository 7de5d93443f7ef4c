#pragma once

#include "control/plan.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sluice::control::world {

/// Adds up what a plan puts on each node and compares it with what the node has, without a word
/// from the planner.
inline void expect_sound(const std::vector<StageDemand>& stages, const Topology& topology,
                         const Plan& plan, const std::string& what) {
  struct Load {
    double cpus = 0;
    double memory = 0;
    std::uint64_t ranks = 0;
    std::map<std::uint64_t, double> gpus;
  };
  std::vector<Load> loads(topology.nodes.size());
  ASSERT_EQ(plan.stages.size(), stages.size()) << what;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const auto& stage = stages[i];
    std::uint64_t workers = 0;
    std::uint64_t ranks = 0;
    for (const auto& share : plan.stages[i].shares) {
      auto& load = loads.at(share.node);
      load.cpus += static_cast<double>(share.ranks) * stage.cpus;
      load.memory += static_cast<double>(share.ranks * stage.memory);
      load.ranks += share.ranks;
      double gpus = 0;
      for (const auto& [gpu, part] : share.gpus) {
        load.gpus[gpu] += part;
        gpus += part;
      }
      EXPECT_NEAR(gpus, static_cast<double>(share.ranks) * stage.gpus, 1e-5) << what;
      workers += share.workers;
      ranks += share.ranks;
      if (stage.workers_per_node && (stage.gpus == 0 || topology.nodes[share.node].gpus > 0)) {
        EXPECT_EQ(share.workers, *stage.workers_per_node) << what;
      }
    }
    EXPECT_EQ(workers, plan.stages[i].workers) << what;
    EXPECT_EQ(ranks, workers * stage.group) << what;
    EXPECT_EQ(workers, stage.workers.value_or(workers)) << what;
    EXPECT_GE(workers, 1u) << what;
  }
  for (std::size_t n = 0; n < loads.size(); ++n) {
    const auto& node = topology.nodes[n];
    EXPECT_LE(loads[n].cpus, node.cpus + 1e-5) << what << ", node " << n;
    const auto memory = node.memory > 0 ? static_cast<double>(node.memory) : loads[n].memory;
    EXPECT_LE(loads[n].memory, memory) << what;
    EXPECT_LE(loads[n].ranks, node.workers.value_or(loads[n].ranks)) << what;
    for (const auto& [gpu, used] : loads[n].gpus) {
      EXPECT_LT(gpu, node.gpus) << what;
      EXPECT_LE(used, 1 + 1e-5) << what << ", GPU " << gpu << " of node " << n;
    }
  }
}

}  // namespace sluice::control::world
