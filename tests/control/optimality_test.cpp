#include "control/integer_program.hpp"
#include "control/plan_audit.hpp"
#include "control/planning.hpp"
#include "control/random.hpp"

#include <sluice/error.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

namespace sluice::control {
namespace {

constexpr std::uint64_t GiB = 1U << 30U;

struct Puzzle {
  std::vector<StageDemand> stages;
  Topology topology;
};

// One to three sorts of nodes: with GPUs or without, with known memory or without.
Topology random_topology(world::Random& random, std::uint64_t most_nodes) {
  Topology topology;
  const bool memory = random.chance(0.4);
  const auto sorts = random.between(1, 3);
  for (std::uint64_t sort = 0; sort < sorts; ++sort) {
    Node node;
    node.cpus = random.pick({4.0, 8.0, 16.0, 24.0, 32.0, 48.0, 64.0, 96.0});
    node.gpus = random.pick<std::uint64_t>({0, 1, 2, 4, 4, 8});
    if (memory) node.memory = random.pick<std::uint64_t>({16, 32, 64, 128, 256}) * GiB;
    const auto nodes = random.between(1, std::max<std::uint64_t>(1, most_nodes / sorts));
    for (std::uint64_t i = 0; i < nodes; ++i) {
      node.name = "n" + std::to_string(topology.nodes.size());
      topology.nodes.push_back(node);
    }
  }
  return topology;
}

/// What sort of stages a puzzle has.
struct Sort {
  bool gpus = false;
  bool pins = false;
  double decades = 1;  ///< the fastest stage is this many powers of ten faster than the slowest
};

StageDemand random_stage(world::Random& random, const Sort& sort) {
  StageDemand stage;
  stage.speed = std::pow(10.0, sort.decades * static_cast<double>(random.between(0, 300)) / 300);
  stage.cpus = random.pick({0.25, 0.5, 1.0, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0});
  if (sort.gpus && random.chance(0.5)) {
    stage.gpus = random.pick({0.1, 0.25, 0.3, 0.4, 0.5, 0.7, 1.0, 1.0, 2.0, 3.0});
  }
  if (random.chance(0.4)) stage.memory = random.between(1, 12) * GiB;
  if (sort.pins && random.chance(0.2)) stage.workers = random.between(1, 5);
  if (sort.pins && !stage.workers && random.chance(0.15)) stage.workers_per_node = 1;
  if (stage.gpus == 1 && random.chance(0.3)) stage.group = random.between(2, 3);
  stage.selectivity = random.pick({1.0, 1.0, 1.0, 0.5, 2.0, 0.9});
  stage.over_provision = random.pick({1.0, 1.0, 1.0, 1.3});
  return stage;
}

Puzzle random_puzzle(std::uint64_t seed, std::uint64_t most_nodes) {
  world::Random random(seed);
  Puzzle puzzle;
  puzzle.topology = random_topology(random, most_nodes);
  Sort sort;
  sort.gpus = std::any_of(puzzle.topology.nodes.begin(), puzzle.topology.nodes.end(),
                          [](const Node& node) { return node.gpus > 0; });
  sort.pins = random.chance(0.3);
  sort.decades = random.pick({0.3, 1.0, 3.0});
  puzzle.stages.resize(random.between(2, 12));
  for (std::size_t i = 0; i < puzzle.stages.size(); ++i) {
    puzzle.stages[i] = random_stage(random, sort);
    puzzle.stages[i].name = "s" + std::to_string(i);
  }
  return puzzle;
}

std::optional<Plan> plan_of(const Puzzle& puzzle) {
  try {
    return make_plan(puzzle.stages, puzzle.topology);
  } catch (const LaunchError&) {
    return std::nullopt;
  }
}

/// Compares plans with the solver's on many random problems.
struct Comparison {
  std::vector<double> quality;  ///< ours over the solver's, sorted
  int infeasible = 0;
  int unproven = 0;

  double median() const { return quality.at(quality.size() / 2); }
  double worst() const { return quality.front(); }
};

void compare(const Puzzle& puzzle, const std::string& what, double seconds, Comparison& result) {
  const auto plan = plan_of(puzzle);
  const auto solved = world::solve_by_cbc(puzzle.stages, puzzle.topology, seconds);
  if (!solved.proven) ++result.unproven;
  if (!plan) {
    EXPECT_FALSE(solved.feasible) << what << ": the solver has a plan, we have none";
    ++result.infeasible;
    return;
  }
  world::expect_sound(puzzle.stages, puzzle.topology, *plan, what);
  if (!solved.feasible) {
    EXPECT_FALSE(solved.proven) << what << ": we have a plan, the solver has none";
    return;
  }
  const double ours = world::objective(puzzle.stages, world::workers_of(*plan));
  const double quality = ours / solved.throughput;
  EXPECT_LE(quality, solved.proven ? 1 + 1e-4 : quality) << what << ": better than the best?";
  result.quality.push_back(quality);
}

Comparison compare_many(std::uint64_t first, std::uint64_t count, std::uint64_t most_nodes,
                        double seconds) {
  Comparison result;
  for (auto seed = first; seed < first + count; ++seed) {
    compare(random_puzzle(seed, most_nodes), "seed " + std::to_string(seed), seconds, result);
  }
  std::sort(result.quality.begin(), result.quality.end());
  std::printf(
      "%zu plans: median %.4f, worst %.4f of the solver's throughput; %d infeasible, %d "
      "that the solver had no time to prove\n",
      result.quality.size(), result.median(), result.worst(), result.infeasible, result.unproven);
  return result;
}

void expect_near_the_best(const Comparison& result) {
  EXPECT_GE(result.median(), 0.99);
  EXPECT_GE(result.worst(), 0.95);
}

TEST(Optimality, PlansAreNearTheBestIntegerPlan) {
  expect_near_the_best(compare_many(1, 300, 6, 2));
}

TEST(OptimalitySoak, PlansAreNearTheBestIntegerPlan) {
  expect_near_the_best(compare_many(1001, 600, 12, 10));
}

TEST(Optimality, ReachesTheBestPlanOfAPublishedVideoProblem) {
  using world::demand;
  std::vector<StageDemand> stages{
      demand("download", 0.25), demand("remux", 1),     demand("split", 3),
      demand("score", 1, 0.25), demand("transcode", 5), demand("frames", 16),
      demand("caption", 1, 4),  demand("embed", 1, 1),  demand("upload", 0.25)};
  const std::vector speeds{0.67, 4000.0, 0.77, 3.55, 0.28, 0.034, 0.033, 0.98, 0.016};
  for (std::size_t i = 0; i < stages.size(); ++i) stages[i].speed = speeds[i];
  stages.front().workers_per_node = 4;
  stages.back().workers_per_node = 8;
  const Topology topology{std::vector<Node>(10, Node{"n", 182, 8, 0, {}})};
  const auto plan = make_plan(stages, topology);
  world::expect_sound(stages, topology, plan, "video");
  EXPECT_NEAR(plan.throughput, 0.627, 1e-9);
  EXPECT_EQ(plan.stages[6].workers, 19u);
  EXPECT_EQ(plan.bottleneck, 6u);
}

}  // namespace
}  // namespace sluice::control
