#include "runtime/gpu_seats.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <random>
#include <set>

namespace sluice::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Names = std::vector<std::string>;

GpuSeats seats_with(int ranks, const Names& gpus) {
  GpuSeats seats;
  for (int rank = 1; rank <= ranks; ++rank) seats.add(rank, 0, {{}, gpus, 0});
  return seats;
}

TEST(GpuSeats, WholeGpusAreAWorkersOwn) {
  auto seats = seats_with(3, {"0", "1", "2"});
  EXPECT_THAT(seats.take(1, 1), ElementsAre("0"));
  EXPECT_THAT(seats.take(2, 2), ElementsAre("1", "2"));
  EXPECT_THAT(seats.take(3, 0), IsEmpty());
}

TEST(GpuSeats, PartsFillOneGpuBeforeTheNext) {
  auto seats = seats_with(6, {"0", "1", "2"});
  for (const int rank : {1, 2, 3, 4}) {
    EXPECT_THAT(seats.take(rank, 0.3), ElementsAre(rank <= 3 ? "0" : "1")) << rank;
  }
  EXPECT_THAT(seats.take(5, 1), ElementsAre("2"));
  EXPECT_THAT(seats.take(6, 0.7), ElementsAre("1"));
}

TEST(GpuSeats, TenTenthsAreOneGpu) {
  auto seats = seats_with(11, {"a", "b"});
  for (int rank = 1; rank <= 10; ++rank) EXPECT_THAT(seats.take(rank, 0.1), ElementsAre("a"));
  EXPECT_THAT(seats.take(11, 0.1), ElementsAre("b"));
}

TEST(GpuSeats, WhatARankLeavesIsFree) {
  auto seats = seats_with(2, {"0", "1"});
  seats.take(1, 2);
  EXPECT_THAT(seats.take(2, 1), ElementsAre("0")) << "shared until the other has left";
  EXPECT_THAT(seats.take(1, 1), ElementsAre("1"));
  seats.free(2);
  EXPECT_THAT(seats.take(1, 2), ElementsAre("0", "1"));
  seats.free_all();
  EXPECT_THAT(seats.take(2, 1), ElementsAre("0"));
}

// When a run begins again after a loss, all ranks are told their stages anew, and work on.
TEST(GpuSeats, ARankKeepsWhatItHasIfItNeedsNoOther) {
  auto seats = seats_with(4, {"0", "1"});
  for (const int rank : {1, 2, 3}) seats.take(rank, 0.5);
  seats.free(1);
  EXPECT_THAT(seats.take(2, 0.5), ElementsAre("0"));
  EXPECT_THAT(seats.take(3, 0.5), ElementsAre("1"));
  EXPECT_THAT(seats.take(2, 1), ElementsAre("0"));
}

TEST(GpuSeats, ARankGetsOnlyWhatItSees) {
  GpuSeats seats;
  seats.add(1, 0, {{}, {"0", "1"}, 0});
  seats.add(2, 0, {{}, {"1"}, 0});
  seats.add(3, 1, {{}, {"1"}, 0});
  seats.add(4, 1, {{}, {}, 0});
  EXPECT_THAT(seats.take(2, 1), ElementsAre("1"));
  EXPECT_THAT(seats.take(1, 1), ElementsAre("0"));
  EXPECT_THAT(seats.take(3, 1), ElementsAre("1")) << "of another node";
  EXPECT_THAT(seats.take(3, 2), ElementsAre("1")) << "there is no other";
  EXPECT_THAT(seats.take(4, 0.5), IsEmpty());
}

// Workers that come and go as a plan with room for them lets them: quarters, halves and whole ones.
TEST(GpuSeats, NoGpuIsGivenTwiceWhileThePartsAreAlike) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    std::mt19937_64 random(seed);
    const double part = std::vector{0.25, 0.5, 1.0, 2.0}[seed % 4];
    Names gpus;
    for (int i = 0; i < 4; ++i) gpus.push_back(fmt::format("gpu-{}", i));
    auto seats = seats_with(16, gpus);
    std::map<int, Names> held;
    for (int step = 0; step < 200; ++step) {
      const int rank = 1 + static_cast<int>(random() % 16);
      if (held.erase(rank) > 0) {
        seats.free(rank);
      } else if ((static_cast<double>(held.size()) + 1) * part <= 4) {
        held[rank] = seats.take(rank, part);
      }
      std::map<std::string, double> loads;
      for (const auto& [who, names] : held) {
        EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), std::ceil(part));
        for (const auto& name : names) loads[name] += std::min(part, 1.0);
      }
      for (const auto& [name, load] : loads) ASSERT_LE(load, 1.0) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace sluice::runtime
