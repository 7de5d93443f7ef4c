#include "control/recovery.hpp"

#include <sluice/error.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "base/random.hpp"

namespace sluice::control {
namespace {

std::vector<StageDemand> stages(std::size_t count) {
  std::vector<StageDemand> demands(count);
  for (std::size_t k = 0; k < count; ++k) demands[k].name = "s" + std::to_string(k);
  return demands;
}

Topology one_node(std::uint64_t workers) { return {{{"n", 8, 0, 0, workers}}}; }

TEST(Regrouping, IsCompleteWhenAllThatAreLeftAreThere) {
  Regrouping group(5);
  EXPECT_FALSE(group.under_way());
  EXPECT_TRUE(group.lose(2));
  EXPECT_EQ(group.left(), (std::vector<Rank>{1, 3, 4}));
  group.arrived(1, 1);
  group.arrived(3, 1);
  EXPECT_FALSE(group.take_complete());
  EXPECT_TRUE(group.under_way());
  group.arrived(4, 1);
  EXPECT_TRUE(group.take_complete());
  EXPECT_FALSE(group.take_complete()) << "only once";
  EXPECT_FALSE(group.under_way());
}

TEST(Regrouping, AnotherLossBeginsAnotherEpoch) {
  Regrouping group(5);
  group.lose(2);
  group.arrived(1, 1);
  group.arrived(3, 1);
  EXPECT_TRUE(group.lose(4));
  EXPECT_EQ(group.epoch(), 2u);
  group.arrived(1, 1);  // of the epoch before
  group.arrived(3, 2);
  EXPECT_FALSE(group.take_complete());
  group.arrived(1, 2);
  EXPECT_TRUE(group.take_complete());
}

TEST(Regrouping, ALossIsKnownOnce) {
  Regrouping group(4);
  EXPECT_TRUE(group.lose(1));
  EXPECT_FALSE(group.lose(1));
  EXPECT_EQ(group.epoch(), 1u);
  EXPECT_TRUE(group.is_lost(1));
}

TEST(StagesAfterLoss, RanksKeepTheirStagesWhileEachHasAWorker) {
  const std::vector<int> before{-1, 0, 1, 1, 1, -1};
  EXPECT_EQ(stages_after_loss(stages(2), one_node(4), {0, 0, 0, 0, 0, 0}, before, {3}),
            (std::vector<int>{-1, 0, 1, -1, 1, -1}));
}

TEST(StagesAfterLoss, AStageWithoutWorkersGetsSomeOfTheOthers) {
  const std::vector<int> before{-1, 0, 1, 1, 1};
  const auto after = stages_after_loss(stages(2), one_node(3), {0, 0, 0, 0, 0}, before, {1});
  EXPECT_EQ(after[1], -1) << "it is dead";
  EXPECT_NE(std::count(after.begin(), after.end(), 0), 0);
  EXPECT_NE(std::count(after.begin(), after.end(), 1), 0);
}

TEST(StagesAfterLoss, TooFewRanksAreAnError) {
  EXPECT_THROW(stages_after_loss(stages(2), one_node(1), {0, 0, 0}, {-1, 0, 1}, {2}), LaunchError);
}

// Whoever dies: no stage is without workers, and no dead rank has one.
TEST(StagesAfterLoss, Property) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Random random(seed);
    const auto below = [&](std::uint64_t n) { return random.next() % n; };
    const std::size_t count = 1 + below(4);
    const std::size_t workers = count + 1 + below(12);
    std::vector<int> before{-1};
    for (std::size_t i = 0; i < workers; ++i) {
      before.push_back(static_cast<int>(i < count ? i : below(count)));
    }
    std::set<Rank> lost;
    while (lost.size() < 1 + below(workers - count)) {
      lost.insert(static_cast<Rank>(1 + below(workers)));
    }
    const std::vector<int> nodes(workers + 1, 0);
    const auto after =
        stages_after_loss(stages(count), one_node(workers - lost.size()), nodes, before, lost);
    for (std::size_t k = 0; k < count; ++k) {
      EXPECT_NE(std::count(after.begin(), after.end(), static_cast<int>(k)), 0) << seed;
    }
    for (const Rank rank : lost) EXPECT_EQ(after[static_cast<std::size_t>(rank)], -1) << seed;
  }
}

}  // namespace
}  // namespace sluice::control
