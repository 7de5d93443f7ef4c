// A rank of the local transport that dies.
#include "transport/local.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace sluice::transport {
namespace {

using namespace std::chrono_literals;

TEST(LocalLoss, EveryOtherRankHearsOfItOnce) {
  const auto ranks = make_local_ranks(3);
  EXPECT_TRUE(ranks[0]->take_lost().empty());
  kill_local_rank(*ranks[1]);
  kill_local_rank(*ranks[1]);
  for (const auto survivor : {0, 2}) {
    EXPECT_EQ(ranks[static_cast<std::size_t>(survivor)]->take_lost(), std::vector<Rank>{1});
    EXPECT_TRUE(ranks[static_cast<std::size_t>(survivor)]->take_lost().empty());
  }
}

TEST(LocalLoss, EndsAWait) {
  const auto ranks = make_local_ranks(2);
  std::thread killer([&] {
    std::this_thread::sleep_for(20ms);
    kill_local_rank(*ranks[1]);
  });
  const auto start = std::chrono::steady_clock::now();
  while (ranks[0]->take_lost().empty()) ranks[0]->wait(30s);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 20s);
  killer.join();
}

TEST(LocalLoss, TheDeadRankDoesNothingMore) {
  const auto ranks = make_local_ranks(2);
  kill_local_rank(*ranks[1]);
  EXPECT_THROW(ranks[1]->send({0, "too late", {}}), RankIsDead);
  EXPECT_THROW(ranks[1]->receive(), RankIsDead);
  EXPECT_THROW(ranks[1]->wait(1s), RankIsDead);
  EXPECT_FALSE(ranks[0]->receive());
}

TEST(LocalLoss, WhatItSentArrivesUntilItIsForgotten) {
  const auto ranks = make_local_ranks(3);
  ranks[1]->send({0, "first", {}});
  ranks[1]->send({0, "second", {}});
  ranks[2]->send({0, "of another", {}});
  kill_local_rank(*ranks[1]);
  EXPECT_EQ(ranks[0]->receive().value().bytes, "first");
  ranks[0]->forget(1);
  EXPECT_EQ(ranks[0]->receive().value().bytes, "of another");
  EXPECT_FALSE(ranks[0]->receive());
}

// Whether it is dead or only slow: who forgets it neither hears it nor speaks to it.
TEST(LocalLoss, AForgottenRankIsFencedOff) {
  const auto ranks = make_local_ranks(2);
  ranks[0]->forget(1);
  ranks[0]->send({1, "not for you", {}});
  ranks[1]->send({0, "nobody hears", {}});
  EXPECT_FALSE(ranks[0]->receive());
  EXPECT_FALSE(ranks[1]->receive());
}

}  // namespace
}  // namespace sluice::transport
