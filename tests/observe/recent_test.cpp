#include "observe/recent.hpp"

#include <gtest/gtest.h>

namespace sluice::observe {
namespace {

RunStatus picture(double seconds, std::uint64_t done, double running = 0) {
  RunStatus status;
  status.seconds = seconds;
  status.done = done;
  status.stages = {{.name = "work", .workers = 1, .records_in = done, .running = running}};
  return status;
}

TEST(Recent, ForgetsWhatIsOlderThanItsWindow) {
  Recent recent(10);
  EXPECT_DOUBLE_EQ(rate_of(recent.note(picture(5, 50))), 10);
  EXPECT_DOUBLE_EQ(rate_of(recent.note(picture(10, 50))), 5);
  EXPECT_DOUBLE_EQ(rate_of(recent.note(picture(20, 70))), 2);
  EXPECT_DOUBLE_EQ(rate_of(recent.note(picture(30, 70))), 0);
}

TEST(Recent, HasWhatStagesDidMeanwhile) {
  Recent recent(10);
  recent.note(picture(10, 10, 9));
  const auto found = recent.note(picture(20, 14, 10));
  EXPECT_DOUBLE_EQ(found.stages[0].running, 1);
  EXPECT_EQ(found.stages[0].records_in, 4u);
}

TEST(Recent, CountsNothingThatAnEarlierAttemptDid) {
  auto status = picture(2, 110);
  status.done_before = 100;
  EXPECT_DOUBLE_EQ(rate_of(Recent().note(status)), 5);
  EXPECT_DOUBLE_EQ(rate_of(in_all(status)), 5);
}

TEST(Lately, IsOfTheLastAttempt) {
  auto second = picture(4, 12);
  second.done_before = 10;
  EXPECT_DOUBLE_EQ(rate_of(lately({{1, 0, picture(5, 10)}, {11, 7, second}})), 0.5);
}

}  // namespace
}  // namespace sluice::observe
