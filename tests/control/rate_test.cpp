#include "control/rate.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace sluice::control {
namespace {

using namespace std::chrono_literals;

TEST(RateEstimate, IsRecordsByRunningTimeAndNothingBeforeTheFirst) {
  RateEstimate estimate(60, 30);
  EXPECT_FALSE(estimate.measured());
  EXPECT_EQ(estimate.rate(), 0);
  EXPECT_EQ(estimate.error(), 1);
  estimate.add(1s, 2, 10, 0.5);
  EXPECT_DOUBLE_EQ(estimate.rate(), 20);
  EXPECT_DOUBLE_EQ(estimate.seconds_per_batch(), 0.25);
}

TEST(RateEstimate, GrowsSureWithTheNumberOfSamplesHoweverAlikeTheyAre) {
  RateEstimate estimate(60, 1000);
  estimate.add(1ms, 1, 1, 0.1);
  const double first = estimate.error();
  EXPECT_GT(first, 0.5);
  for (int i = 2; i <= 50; ++i) estimate.add(std::chrono::milliseconds(i), 1, 1, 0.1);
  EXPECT_LT(estimate.error(), 0.1 * first);
  EXPECT_GT(estimate.error(), 0.005);
}

// Half of 400 estimates should lie within 0.67 standard errors, and hardly any beyond 4.
TEST(RateEstimate, KnowsHowWrongItMayBe) {
  std::mt19937_64 engine(1);
  std::lognormal_distribution<double> time(-0.5, 1);  // mean 1
  int near = 0;
  int far = 0;
  for (int run = 0; run < 400; ++run) {
    RateEstimate estimate(1e9, 1e9);
    for (int i = 0; i < 200; ++i) estimate.add(1s, 1, 1, time(engine));
    const double off = std::abs(std::log(estimate.rate())) / estimate.error();
    near += off < 0.67 ? 1 : 0;
    far += off > 4 ? 1 : 0;
  }
  EXPECT_GT(near, 150);
  EXPECT_LT(near, 250);
  EXPECT_LT(far, 8);
}

TEST(RateEstimate, ForgetsByTimeButKeepsRareSamples) {
  RateEstimate estimate(10, 2);
  estimate.add(0s, 1, 1, 1);
  estimate.add(1000s, 1, 1, 3);
  EXPECT_NEAR(estimate.samples(), 2, 0.2) << "a new one makes an old one count 0.7, not nothing";
}

// All workers begin at once and have finished one batch each, or are about to finish the second.
TEST(RateEstimate, MakesUpForBatchesThatAreNotFinished) {
  RateEstimate estimate(1e9, 1e9);
  estimate.add(1s, 10, 10, 10);
  EXPECT_NEAR(estimate.rate_with(10, 5), 1, 0.01) << "half-way through";
  std::mt19937_64 engine(1);
  std::exponential_distribution<double> time(1);
  double sum = 0;
  double naive = 0;
  for (int run = 0; run < 2000; ++run) {  // ten workers for two seconds
    RateEstimate one(1e9, 1e9);
    double unfinished = 0;
    for (int worker = 0; worker < 10; ++worker) {
      double at = 0;
      double next = time(engine);
      for (; at + next < 2; next = time(engine)) {
        one.add(2s, 1, 1, next);
        at += next;
      }
      unfinished += 2 - at;
    }
    sum += one.rate_with(10, unfinished);
    naive += one.rate();
  }
  EXPECT_NEAR(sum / 2000, 1, 0.15);
  EXPECT_GT(naive / 2000, 1.4) << "the short ones end first";
}

TEST(SpeedMeter, IsMeasuredAfreshWhenTheSpeedHasChanged) {
  SpeedMeter meter;
  Time now{0};
  for (int i = 0; i < 1000; ++i) meter.add(now += 100ms, 1, 1, 0.1);
  EXPECT_NEAR(meter.speed(now), 10, 0.01);
  int until_noticed = 0;
  while (meter.speed(now) > 0 && until_noticed < 100) {
    meter.add(now += 100ms, 1, 1, 0.4);
    ++until_noticed;
  }
  EXPECT_LT(until_noticed, 30);
  EXPECT_EQ(meter.error(), 1) << "it is not known";
  for (int i = 0; i < 3; ++i) meter.add(now += 100ms, 1, 1, 0.4);
  EXPECT_NEAR(meter.speed(now), 2.5, 0.01) << "nothing is left of the old speed";
}

}  // namespace
}  // namespace sluice::control
