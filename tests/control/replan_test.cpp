#include "control/plan_audit.hpp"
#include "control/planning.hpp"
#include "control/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace sluice::control {
namespace {

std::vector<StageDemand> random_stages(world::Random& random) {
  std::vector<StageDemand> stages(random.between(3, 15));
  for (auto& stage : stages) {
    stage = world::demand("s", random.pick({0.25, 0.5, 1.0, 1.0, 2.0, 3.0, 5.0, 16.0}));
    if (random.chance(0.4)) stage.gpus = random.pick({0.25, 0.5, 1.0, 1.0, 2.0, 4.0});
    stage.speed = std::pow(10.0, static_cast<double>(random.between(0, 200)) / 100);
  }
  return stages;
}

Topology random_nodes(world::Random& random, bool ranks) {
  Topology topology;
  const auto nodes = random.between(20, 300);
  const auto cpus = random.pick({64.0, 96.0, 182.0, 240.0});
  for (std::uint64_t i = 0; i < nodes; ++i) {
    topology.nodes.push_back({"n", cpus, 8, 0, {}});
    if (ranks) topology.nodes.back().workers = static_cast<std::uint64_t>(cpus) / 2;
  }
  return topology;
}

// Each of a few stages gets slower or faster by up to a third.
void change_some(std::vector<StageDemand>& stages, world::Random& random) {
  for (std::uint64_t i = random.between(1, 3); i > 0; --i) {
    auto& stage = stages[random.between(0, stages.size() - 1)];
    *stage.speed *= 0.7 + 0.65 * static_cast<double>(random.between(0, 1000)) / 1000;
  }
}

// How many workers the stages lack for the throughput: no plan that reaches it moves fewer. (Where
// free room must first be brought together, every plan moves more: docs/planning.md.)
std::uint64_t missing(const std::vector<StageDemand>& stages, const Plan& current,
                      double throughput) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const auto needed =
        static_cast<std::uint64_t>(std::ceil(throughput / *stages[i].speed * (1 - 1e-9)));
    sum += needed - std::min(needed, current.stages[i].workers);
  }
  return sum;
}

struct Moves {
  std::uint64_t made = 0;
  std::uint64_t needed = 0;

  // One in fifty more, or one.
  bool few() const { return made <= std::max(needed + needed / 50, needed + 1); }
};

Moves moves_after_a_change(world::Random& random, bool ranks, const std::string& what) {
  auto stages = random_stages(random);
  const auto topology = random_nodes(random, ranks);
  const auto before = make_plan(stages, topology);
  change_some(stages, random);
  const auto after = make_plan(stages, topology, &before);
  world::expect_sound(stages, topology, after, what);
  EXPECT_GE(after.throughput, 0.99 * make_plan(stages, topology).throughput * (1 - 1e-9)) << what;
  return {moves(before, after), missing(stages, before, after.throughput)};
}

class Replans : public ::testing::TestWithParam<bool> {};

TEST_P(Replans, AfterSmallChangesMoveHardlyMoreThanNeeded) {
  constexpr std::uint64_t seeds = 8;
  constexpr int trials = 100;
  Moves all;
  std::uint64_t few = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    world::Random random(seed);
    for (int trial = 0; trial < trials; ++trial) {
      const auto what = "seed " + std::to_string(seed) + ", trial " + std::to_string(trial);
      const auto one = moves_after_a_change(random, GetParam(), what);
      all.made += one.made;
      all.needed += one.needed;
      few += one.few() ? 1 : 0;
    }
  }
  std::printf("  %llu moves for %llu needed; within 2%% or one move in %llu of %llu re-plans\n",
              static_cast<unsigned long long>(all.made),
              static_cast<unsigned long long>(all.needed), static_cast<unsigned long long>(few),
              static_cast<unsigned long long>(seeds * trials));
  EXPECT_LE(static_cast<double>(all.made), 1.02 * static_cast<double>(all.needed));
  EXPECT_GE(few, 97 * seeds * trials / 100);
}

TEST_P(Replans, WithoutAChangeNothingMoves) {
  world::Random random(6);
  for (int trial = 0; trial < 20; ++trial) {
    const auto stages = random_stages(random);
    const auto topology = random_nodes(random, GetParam());
    const auto before = make_plan(stages, topology);
    EXPECT_EQ(moves(before, make_plan(stages, topology, &before)), 0u) << trial;
  }
}

INSTANTIATE_TEST_SUITE_P(OnNodes, Replans, ::testing::Bool(), [](const auto& each) {
  return each.param ? "WithRanks" : "WithoutRanks";
});

TEST(Replan, KeptWorkersStayOnTheirGpus) {
  auto stages = std::vector{world::demand("a", 1, 0.5), world::demand("b", 1, 1)};
  stages[0].speed = 1;
  stages[1].speed = 2;
  const Topology topology{{{"n", 16, 4, 0, {}}}};
  const auto before = make_plan(stages, topology);
  stages[1].workers = 1;
  const auto after = make_plan(stages, topology, &before);
  const auto& was = before.stages[0].shares.at(0).gpus;
  const auto& is = after.stages[0].shares.at(0).gpus;
  ASSERT_LE(was.size(), is.size());
  for (std::size_t i = 0; i < was.size(); ++i) EXPECT_EQ(was[i].gpu, is[i].gpu);
}

TEST(Replan, WorkersOfALostNodeStartOnTheOthers) {
  std::vector<StageDemand> stages{{"a", 1.0}, {"b", 2.0}};
  Topology topology{std::vector<Node>(4, Node{"n", 8, 0, 0, {}})};
  const auto before = make_plan(stages, topology);
  topology.nodes.pop_back();
  const auto after = make_plan(stages, topology, &before);
  world::expect_sound(stages, topology, after, "three nodes");
  EXPECT_EQ(after.throughput, make_plan(stages, topology).throughput);
}

}  // namespace
}  // namespace sluice::control
