#include "control/slowest.hpp"

#include <gtest/gtest.h>

#include <random>

namespace sluice::control {
namespace {

std::vector<double> seconds(const Slowest& slowest) {
  std::vector<double> found;
  for (const auto& batch : slowest.batches()) found.push_back(batch.seconds);
  return found;
}

TEST(Slowest, KeepsTheSlowestInOrderAndNoMore) {
  std::mt19937 random(7);
  std::vector<double> all(500);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<double>(i);
  auto shuffled = all;
  std::shuffle(shuffled.begin(), shuffled.end(), random);
  Slowest slowest;
  for (const double each : shuffled) slowest.note({.seconds = each});
  EXPECT_EQ(seconds(slowest), std::vector<double>(all.rbegin(), all.rbegin() + Slowest::most));
}

// So a rank need not report what its own list has no room for.
TEST(Slowest, OfRanksListsAreTheSlowestOfAll) {
  std::mt19937 random(11);
  std::uniform_real_distribution<double> time(0, 10);
  Slowest all;
  Slowest merged;
  std::vector<Slowest> ranks(5);
  for (std::uint64_t i = 0; i < 2000; ++i) {
    const SlowBatch batch{time(random), 0, i, 1};
    all.note(batch);
    if (ranks[i % ranks.size()].note(batch)) merged.note(batch);
  }
  EXPECT_EQ(seconds(merged), seconds(all));
}

}  // namespace
}  // namespace sluice::control
