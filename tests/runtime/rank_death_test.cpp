// Simulated runs in which ranks die.
#include "runtime/scenarios.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace sluice::runtime::scenarios {
namespace {

constexpr std::uint64_t inputs = 400;

struct Trial {
  Simulation run;
  std::string text;
};

// Two to four stages that drop, multiply or keep records, with slow ranks, and deaths throughout.
Trial trial(std::uint64_t seed) {
  Random random(seed);
  const auto chance = [&](std::uint64_t below) { return random.next() % below; };
  const std::size_t stages = 2 + chance(3);
  std::vector<double> means;
  for (std::size_t k = 0; k < stages; ++k) means.push_back(0.005 + 0.1 * random.uniform());
  const std::uint64_t workers = stages + 4 + chance(16);
  auto run = simulation(means, workers, inputs);
  for (std::size_t k = 0; k < stages; ++k) {
    run.stages[k].service = lognormal(means[k], 0.5);
    run.stages[k].setup = 0.5 * random.uniform();
    run.stages[k].node_setup = chance(2) == 0 ? 0 : random.uniform();
    run.stages[k].outputs = 1 + chance(3) / 2;
    run.stages[k].drop = chance(3) == 0 ? 0.3 : 0;
    run.channels[k].batch_size = 1 + chance(8);
    if (chance(3) == 0) run.channels[k].depth = 2 + chance(6);
  }
  run.seed = seed;
  run.autoscale = chance(2) == 0;
  if (chance(2) == 0) run.slow_ranks[1 + static_cast<int>(chance(workers))] = 10;
  const auto deaths = 1 + chance(workers - stages);
  std::set<int> dead;
  while (dead.size() < deaths) dead.insert(1 + static_cast<int>(chance(workers)));
  for (const int rank : dead) run.deaths.push_back({rank, 10 * random.uniform()});
  return {run,
          fmt::format("seed {}: {} stages, {} workers, {} die", seed, stages, workers, deaths)};
}

void survives(std::uint64_t seed) {
  const auto [run, text] = trial(seed);
  SCOPED_TRACE(text);
  const auto result = simulate(run);  // throws if it stands still, or counts an input twice
  EXPECT_EQ(result.done, inputs);
  for (const auto& stage : result.stages) EXPECT_LE(stage.peak_records, stage.bound_records);
}

TEST(RankDeath, WhatIsLeftFinishesTheRun) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) survives(seed);
}

TEST(RankDeathSoak, WhatIsLeftFinishesTheRun) {
  for (std::uint64_t seed = 1'000; seed < 11'000; ++seed) survives(seed);
}

TEST(RankDeath, TooFewRanksAreSaid) {
  auto run = simulation({0.01, 0.01}, 2, inputs);
  run.deaths = {{1, 0.5}};
  EXPECT_THROW(simulate(run), LaunchError);
}

TEST(RankDeath, AStageThatLosesItsLastWorkerIsGivenAnother) {
  auto run = simulation({0.01, 0.01, 0.01}, 6, inputs);
  run.stage_of_rank = {-1, 0, 1, 1, 1, 2, -1};
  run.autoscale = false;
  run.deaths = {{1, 0.5}, {5, 0.9}};
  const auto result = simulate(run);
  EXPECT_EQ(result.done, inputs);
  EXPECT_EQ(result.lost, 2u);
}

}  // namespace
}  // namespace sluice::runtime::scenarios
