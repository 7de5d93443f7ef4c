#include "control/planning.hpp"
#include "control/random.hpp"

#include <sluice/error.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

namespace sluice::control {
namespace {

using world::Counts;

StageDemand with_speed(double speed) { return {"s", speed}; }
StageDemand unknown() { return {"u"}; }
StageDemand pinned(std::uint64_t workers) { return {"p", {}, workers}; }
StageDemand per_node(std::uint64_t workers) { return {"n", {}, {}, workers}; }

Counts allocate(const std::vector<StageDemand>& stages, std::uint64_t workers,
                std::uint64_t nodes) {
  return world::workers_of(
      make_plan(stages, world::ranks_on(world::nodes_of_ranks(workers, nodes))));
}

TEST(Allocation, WorkersAreInverselyProportionalToSpeed) {
  EXPECT_EQ(allocate({with_speed(1), with_speed(2), with_speed(4)}, 7, 1), (Counts{4, 2, 1}));
  EXPECT_EQ(allocate({with_speed(1), with_speed(2), with_speed(4)}, 70, 1), (Counts{40, 20, 10}));
  EXPECT_EQ(allocate({with_speed(1000), with_speed(1)}, 10, 1), (Counts{1, 9}));
}

TEST(Allocation, WithoutSpeedsSharesAreEqual) {
  EXPECT_EQ(allocate({unknown(), unknown(), unknown()}, 12, 1), (Counts{4, 4, 4}));
  const auto uneven = allocate({unknown(), unknown(), unknown()}, 14, 1);
  EXPECT_EQ(uneven, (Counts{5, 5, 4}));
}

TEST(Allocation, AStageWithoutSpeedGetsAnEqualShareAndTheOthersShareTheRest) {
  EXPECT_EQ(allocate({unknown(), with_speed(1), with_speed(3)}, 12, 1), (Counts{4, 6, 2}));
}

TEST(Allocation, PinnedStagesGetWhatTheyAskFor) {
  EXPECT_EQ(allocate({pinned(3), with_speed(1), with_speed(1)}, 9, 1), (Counts{3, 3, 3}));
  EXPECT_EQ(allocate({pinned(1), unknown(), per_node(2)}, 20, 3), (Counts{1, 13, 6}));
}

TEST(Allocation, WhenEveryStageIsPinnedTheRestIsLeftOver) {
  EXPECT_EQ(allocate({pinned(2), per_node(1)}, 50, 4), (Counts{2, 4}));
}

TEST(Allocation, ExactlyEnoughIsEnough) {
  EXPECT_EQ(allocate({unknown(), with_speed(5), pinned(2), per_node(1)}, 7, 3),
            (Counts{1, 1, 2, 3}));
}

TEST(Allocation, TooFewSaysHowManyAreNeeded) {
  try {
    allocate({{"read", {}, {}, 2}, {"ocr", 1.5}, {"write", {}, 3}}, 7, 2);
    FAIL();
  } catch (const LaunchError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("at least 8 workers (read 4, ocr 1, write 3), and there are 7"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("at least 9 ranks"), std::string::npos) << text;
    EXPECT_EQ(error.code(), ExitCode::launch);
  }
  EXPECT_THROW(allocate({unknown()}, 0, 1), LaunchError);
}

double throughput(const std::vector<StageDemand>& stages, const Counts& counts) {
  double least = 1e300;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    least = std::min(least, static_cast<double>(counts[i]) * *stages[i].speed);
  }
  return least;
}

// Tries every way to deal out the workers.
double best_throughput(const std::vector<StageDemand>& stages, std::uint64_t workers) {
  double best = 0;
  Counts counts(stages.size(), 1);
  const std::function<void(std::size_t, std::uint64_t)> deal = [&](std::size_t stage,
                                                                   std::uint64_t left) {
    if (stage + 1 == stages.size()) {
      counts[stage] = 1 + left;
      best = std::max(best, throughput(stages, counts));
      return;
    }
    for (std::uint64_t more = 0; more <= left; ++more) {
      counts[stage] = 1 + more;
      deal(stage + 1, left - more);
    }
  };
  deal(0, workers - stages.size());
  return best;
}

TEST(Allocation, NoOtherGivesMoreThroughput) {
  world::Random random(7);
  for (int trial = 0; trial < 300; ++trial) {
    std::vector<StageDemand> stages(random.between(1, 4));
    for (auto& stage : stages) {
      stage = with_speed(0.1 * static_cast<double>(random.between(1, 100)));
    }
    const auto workers = stages.size() + random.between(0, 12);
    const auto counts = allocate(stages, workers, 1);
    EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}), workers);
    EXPECT_NEAR(throughput(stages, counts), best_throughput(stages, workers), 1e-9);
  }
}

}  // namespace
}  // namespace sluice::control
