#include "runtime/scenarios.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace sluice::runtime::scenarios {
namespace {

constexpr std::uint64_t seeds = 20;
constexpr std::uint64_t endless = 3'000'000;

std::vector<double> random_means(Random& random, std::size_t stages, double least, double most) {
  std::vector<double> means;
  for (std::size_t k = 0; k < stages; ++k) {
    means.push_back(least + (most - least) * random.uniform());
  }
  return means;
}

std::vector<double> slowed(std::vector<double> means, std::size_t stage, double factor) {
  means[stage] *= factor;
  return means;
}

/// Throughput of the numbers of workers that a decision goes from or to, if nothing ever waited.
double ideal(const control::Decision& decision, const std::vector<double>& means, bool after) {
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t k = 0; k < means.size(); ++k) {
    const auto& stage = decision.stages[k];
    const auto workers = after ? stage.workers_after : stage.workers;
    least = std::min(least, static_cast<double>(workers) / means[k]);
  }
  return least;
}

void expect_consistent(const SimulationResult& result) {
  for (const auto& stage : result.stages) EXPECT_LE(stage.peak_records, stage.bound_records);
  for (const auto& decision : result.decisions) {
    EXPECT_GE(decision.time_left - decision.time_left_after, decision.cost);
    EXPECT_GE(decision.gain, decision.least_gain);
  }
}

TEST(Simulation, TheSameSeedGivesTheSameRunBitForBit) {
  auto run = simulation({0.02, 0.05}, 12, 2'000);
  run.stages[1].service = lognormal(0.05, 1);
  run.seed = 7;
  const auto first = simulate(run);
  const auto second = simulate(run);
  EXPECT_EQ(first.digest, second.digest);
  EXPECT_EQ(first.seconds, second.seconds);
  EXPECT_EQ(first.done, 2'000u);
  run.seed = 8;
  EXPECT_NE(simulate(run).digest, first.digest);
}

TEST(Simulation, DepthIsWorthThatManyWorkersAndIsMeasuredSo) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    auto run = simulation({0.05, 0.4}, 6, 20'000);
    run.stages[1].service = lognormal(0.4, 0.5);
    run.channels[1].depth = 8;
    run.seed = seed;
    const auto result = simulate(run);
    expect_consistent(result);
    EXPECT_EQ(result.done, 20'000u);
    // Each worker of either stage makes 20 records/s, so three of each are best.
    EXPECT_GT(result.throughput(20, 200), 0.9 * 60) << seed;
    const auto& deep = result.stages[1];
    EXPECT_NEAR(static_cast<double>(deep.work.records) / deep.usage.running, 20, 2) << seed;
  }
}

TEST(Simulation, AStageThatSlowsFourTimesIsGivenTheWorkersItNeeds) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Random random(seed);
    const auto means = random_means(random, 3, 0.03, 0.2);
    const auto slow = seed % 3;
    auto run = simulation(means, 24, endless);
    for (std::size_t k = 0; k < 3; ++k) run.stages[k].service = lognormal(means[k], 0.3);
    declare_speeds(run, means);
    run.seed = seed;
    run.until = 100;
    run.slow_downs = {{slow, 30, 4}};
    const auto result = simulate(run);
    expect_consistent(result);
    EXPECT_LE(result.decisions.size(), 3u) << seed;
    const double best = best_throughput(run, slowed(means, slow, 4));
    EXPECT_GE(result.throughput(60, 100), 0.95 * best) << seed;
    run.autoscale = false;
    EXPECT_LT(simulate(run).throughput(60, 100), 0.8 * best) << "or there was nothing to do";
  }
}

TEST(Simulation, NoiseMovesNobody) {
  std::uint64_t most = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Random random(1000 + seed);
    const auto stages = 2 + seed % 3;
    const auto means = random_means(random, stages, 0.05, 0.5);
    auto run = simulation(means, stages * (3 + random.next() % 6), endless);
    for (std::size_t k = 0; k < stages; ++k) run.stages[k].service = lognormal(means[k], 1);
    if (seed % 2 == 0) declare_speeds(run, means);
    run.seed = seed;
    run.until = 600;
    std::uint64_t needless = 0;
    for (const auto& decision : simulate(run).decisions) {
      const double before = ideal(decision, means, false);
      if (ideal(decision, means, true) < 1.02 * before) ++needless;
    }
    EXPECT_LE(needless, 1u) << seed;
    most = std::max(most, needless);
  }
  fmt::print("  at most {} needless decisions in 10 minutes\n", most);
}

TEST(Simulation, AnExpensiveSetupIsPaidOnlyForALargerGain) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Random random(seed);
    const auto means = random_means(random, 2, 1, 4);
    auto run = simulation(means, 16, 1);
    const double best = best_throughput(run, means);
    for (std::size_t k = 0; k < 2; ++k) {
      run.stages[k].service = lognormal(means[k], 0.5);
      run.stages[k].setup = 90;
    }
    run.seed = seed;
    for (const double seconds : {60.0, 1200.0}) {
      run.inputs = static_cast<std::uint64_t>(seconds * best);
      run.autoscale = true;
      const auto with = simulate(run);
      run.autoscale = false;
      const auto without = simulate(run);
      expect_consistent(with);
      const bool worth_it = without.seconds - 90 > 1.3 * (seconds + 90);
      EXPECT_LE(with.seconds, 1.02 * without.seconds) << seed << ' ' << seconds;
      if (without.seconds - 90 < seconds + 90) {
        EXPECT_TRUE(with.decisions.empty()) << seed;
      }
      if (worth_it) {
        EXPECT_LT(with.seconds, 0.9 * without.seconds) << seed;
      }
    }
  }
}

// The clairvoyant knows all speeds from the start.
TEST(Simulation, ARunThatHasToLearnItsSpeedsEndsSoonAfterTheClairvoyantOne) {
  double worst = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Random random(7 * seed);
    const auto means = random_means(random, 3, 0.05, 0.2);
    auto run = simulation(means, 24, 1);
    run.inputs = static_cast<std::uint64_t>(60 * best_throughput(run, means));
    const double setup = 3 * random.uniform();
    for (std::size_t k = 0; k < 3; ++k) {
      run.stages[k].service = lognormal(means[k], 0.5);
      run.stages[k].setup = setup;
    }
    run.seed = seed;
    const auto result = simulate(run);
    expect_consistent(result);
    declare_speeds(run, means);
    run.autoscale = false;
    const auto clairvoyant = simulate(run);
    EXPECT_LE(result.decisions.size(), 3u) << seed;
    EXPECT_LE(result.seconds, 1.1 * clairvoyant.seconds) << seed;
    worst = std::max(worst, result.seconds / clairvoyant.seconds);
  }
  fmt::print("  at worst {:.3f} of the clairvoyant run's time\n", worst);
}

TEST(Simulation, TheTailIsNotMadeLonger) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Random random(7 * seed);
    const auto means = random_means(random, 3, 0.1, 1);
    auto run = simulation(means, 24, 40 + random.next() % 200);
    for (std::size_t k = 0; k < 3; ++k) run.stages[k].service = lognormal(means[k], 0.5);
    declare_speeds(run, means);
    run.seed = seed;
    const auto with = simulate(run);
    run.autoscale = false;
    EXPECT_LE(with.seconds, 1.1 * simulate(run).seconds) << seed;
    EXPECT_EQ(with.done, with.inputs);
  }
}

TEST(Simulation, PinnedStagesKeepTheirWorkers) {
  auto run = simulation({0.02, 0.1, 0.2}, 16, endless);
  run.demands[1].workers = 4;
  run.until = 40;
  const auto result = simulate(run);
  EXPECT_FALSE(result.decisions.empty());
  for (const auto& decision : result.decisions) {
    EXPECT_EQ(decision.stages[1].workers, 4u);
    EXPECT_EQ(decision.stages[1].workers_after, 4u);
  }
  EXPECT_EQ(result.stages[1].workers, 4u);
}

// 'big' fits the large node alone, where the only worker of 'small' sits, too. When it slows, that
// one has to give way, and a worker of 'many' takes its place on a small node.
TEST(Simulation, AStagesOnlyWorkerMovesOnceAnotherIsThere) {
  const std::vector<double> means{0.1, 0.25, 0.2};
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    auto run = simulation(means, 1, 2'000);
    run.topology.nodes = {{"large", 6, 0, 0, 2}, {"b", 1, 0, 0, 1}, {"c", 1, 0, 0, 1}};
    run.demands[2].cpus = 3;
    declare_speeds(run, means);
    for (std::size_t k = 0; k < 3; ++k) run.stages[k].service = lognormal(means[k], 0.3);
    run.slow_downs = {{2, 10, 4}};
    run.seed = seed;
    run.until = 60;
    const auto result = simulate(run);
    expect_consistent(result);
    ASSERT_EQ(result.decisions.size(), 1u) << seed;
    const auto& stages = result.decisions[0].stages;
    EXPECT_EQ(stages[0].workers, 1u) << seed;
    EXPECT_EQ(stages[0].staying, 0u) << seed;
    for (std::size_t k = 0; k < 3; ++k) {
      EXPECT_EQ(stages[k].workers_after, k == 2 ? 2u : 1u) << seed;
      EXPECT_EQ(result.stages[k].workers, stages[k].workers_after) << seed << ' ' << k;
    }
    EXPECT_GE(result.throughput(30, 60), 0.95 * 2 / 0.8) << seed;
  }
}

TEST(Simulation, RecordsThatSplitOrVanishCountWhereTheyArrive) {
  auto run = simulation({0.02, 0.02, 0.02}, 24, endless);
  run.stages[0].outputs = 6;
  run.stages[1].drop = 0.5;
  run.until = 60;
  const auto result = simulate(run);
  declare_speeds(run, {0.02, 0.02, 0.02});
  run.demands[0].selectivity = 6;
  run.demands[1].selectivity = 0.5;
  run.autoscale = false;
  EXPECT_GE(result.throughput(30, 60), 0.95 * simulate(run).throughput(30, 60));
  EXPECT_LE(result.decisions.size(), 3u);
}

TEST(Simulation, RanksThatAreSlowGetLessAndHoldNobodyUp) {
  auto run = simulation({0.01, 0.1}, 11, endless);
  declare_speeds(run, {0.01, 0.1});
  for (control::Rank rank = 1; rank <= 11; ++rank) {
    if (rank % 4 == 0) run.slow_ranks[rank] = 10;
  }
  run.autoscale = false;
  run.until = 60;
  const auto result = simulate(run);
  EXPECT_GE(result.throughput(20, 60), 0.95 * 8.2 / 0.1) << "8 of 10 at full speed";
}

TEST(Simulation, ScalesToTenThousandRanks) {
  double fewest = 1e9;
  double most = 0;
  for (const std::uint64_t workers : {100, 1'000, 10'000}) {
    const std::vector<double> means{0.5, 1, 0.5};
    auto run = simulation(means, workers, workers * 6);
    declare_speeds(run, means);
    const auto result = simulate(run);
    const double best = best_throughput(run, means);
    const double messages =
        static_cast<double>(result.control_messages) / static_cast<double>(result.batches);
    fewest = std::min(fewest, messages);
    most = std::max(most, messages);
    fmt::print(
        "  {} workers: {:.4f} of ideal, {:.2f} control messages a batch, coordinator busy "
        "{:.1f}%, {:.2f} us a batch in RunControl\n",
        workers, result.throughput(4, 10) / best, messages, 100 * result.coordinator_share,
        1e6 * result.control_seconds / static_cast<double>(result.batches));
    EXPECT_GE(result.throughput(4, 10), 0.97 * best) << workers;
    EXPECT_EQ(result.done, result.inputs);
    expect_consistent(result);
  }
  EXPECT_LT(most, 1.1 * fewest);
}

}  // namespace
}  // namespace sluice::runtime::scenarios
