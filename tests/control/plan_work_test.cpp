#include "control/allocation.hpp"
#include "control/plan.hpp"
#include "control/plan_audit.hpp"
#include "control/planning.hpp"
#include "control/random.hpp"

#include <sluice/error.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sluice::control {
namespace {

constexpr std::uint64_t GiB = 1U << 30U;

Node node(double cpus, std::uint64_t gpus = 0, std::uint64_t memory = 0) {
  return {"n", cpus, gpus, memory, {}};
}

Node of_ranks(std::uint64_t workers, Node node) {
  node.workers = workers;
  return node;
}

using Sorts = std::vector<std::pair<std::size_t, Node>>;

Topology topology_of(const Sorts& sorts) {
  Topology topology;
  for (const auto& [count, node] : sorts) {
    topology.nodes.insert(topology.nodes.end(), count, node);
  }
  return topology;
}

std::uint64_t steps_for(const std::vector<StageDemand>& stages, const Topology& topology) {
  return allocate(Problem(stages, topology)).steps;
}

std::vector<StageDemand> small_stages() {
  std::vector<StageDemand> stages;
  for (const double speed : {1.5, 3.0, 7.3}) {
    stages.push_back(world::demand("s" + std::to_string(stages.size()), 0.1));
    stages.back().speed = speed;
  }
  return stages;
}

// Those of docs/topology.md. The third has few ranks on some nodes and any number on the others:
// by cpus alone there is room for a fifth more workers than can be had.
TEST(PlanWork, IsLittleForThousandsOfSmallWorkers) {
  const std::vector<Sorts> all{
      {{16, node(64, 8)}},
      {{2, node(64, 8, 512 * GiB)}, {4, node(128)}},
      {{2, of_ranks(32, node(64, 8, 512 * GiB))}, {4, node(128)}},
  };
  for (const auto& sorts : all) {
    const auto topology = topology_of(sorts);
    auto stages = small_stages();
    EXPECT_LT(steps_for(stages, topology), 100'000u);
    stages.back().memory = GiB / 2;
    EXPECT_LT(steps_for(stages, topology), 100'000u);
    stages.front().cpus = 40;
    EXPECT_LT(steps_for(stages, topology), 100'000u);
    const auto plan = make_plan(stages, topology);
    world::expect_sound(stages, topology, plan, "small workers");
  }
}

TEST(PlanWork, NodesWithFewRanksAreFullWhenTheirRanksAre) {
  const auto topology = topology_of({{2, of_ranks(32, node(64))}, {4, node(128)}});
  const auto counts = world::workers_of(make_plan(small_stages(), topology));
  EXPECT_GE(counts[0] + counts[1] + counts[2], 4 * 1280 + 2 * 32 - 3);
}

std::vector<StageDemand> random_stages(world::Random& random) {
  std::vector<StageDemand> stages(random.between(2, 10));
  for (std::size_t i = 0; i < stages.size(); ++i) {
    stages[i].name = "s" + std::to_string(i);
    stages[i].cpus = random.pick({0.05, 0.1, 0.1, 0.3, 1.0, 7.0});
    if (random.chance(0.3)) stages[i].memory = random.between(1, 8) * GiB / 2;
    stages[i].speed = 0.1 * static_cast<double>(random.between(1, 300));
  }
  return stages;
}

Topology random_topology(world::Random& random) {
  Sorts sorts(random.between(1, 3));
  for (auto& [count, node] : sorts) {
    count = random.between(1, 8);
    node = {"n", random.pick({8.0, 64.0, 128.0}), 0, 0, {}};
    if (random.chance(0.5)) node.memory = random.pick<std::uint64_t>({64, 512}) * GiB;
    if (random.chance(0.5)) node.workers = random.pick<std::uint64_t>({16, 32, 500});
  }
  return topology_of(sorts);
}

TEST(PlanWork, IsBoundedWhateverTheStagesAndNodes) {
  std::uint64_t most = 0;
  int refused = 0;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    world::Random random(seed);
    const auto stages = random_stages(random);
    const auto topology = random_topology(random);
    try {
      most = std::max(most, steps_for(stages, topology));
    } catch (const LaunchError&) {
      ++refused;
    }
  }
  EXPECT_GT(most, 1000u);
  EXPECT_LT(most, 4'000'000u);
  EXPECT_LT(refused, 10);
}

}  // namespace
}  // namespace sluice::control
