#include "control/split_queue.hpp"

#include <gtest/gtest.h>

namespace sluice::control {
namespace {

TEST(SplitQueue, SplitsBecomeSmallerAsWorkRunsOut) {
  SplitQueue queue({{0, 1600}}, 1, 1000);
  EXPECT_EQ(queue.take(1, 2)->records, (Span{0, 100}));
  EXPECT_EQ(queue.take(2, 2)->records, (Span{100, 93}));
  std::uint64_t last = 0;
  while (const auto split = queue.take(1, 2)) last = split->records.count;
  EXPECT_EQ(last, 1u);
  EXPECT_TRUE(queue.empty());
}

TEST(SplitQueue, SplitsHoldWholeBatches) {
  SplitQueue queue({{0, 1000}}, 30, 1000);
  EXPECT_EQ(queue.take(1, 1)->records, (Span{0, 120}));
  SplitQueue few({{0, 40}}, 30, 1000);
  EXPECT_EQ(few.take(1, 1)->records, (Span{0, 30}));
  EXPECT_EQ(few.take(1, 1)->records, (Span{30, 10}));
}

TEST(SplitQueue, SplitsHoldNoMoreThanTheyMayButABatch) {
  SplitQueue queue({{0, 1000}}, 10, 25);
  EXPECT_EQ(queue.take(1, 1)->records.count, 20u);
  SplitQueue large({{0, 1000}}, 10, 1);
  EXPECT_EQ(large.take(1, 1)->records.count, 10u);
}

TEST(SplitQueue, WorkersStayWithTheirPiecesAndThenHelpWithTheLargest) {
  SplitQueue queue({{0, 4}, {4, 0}, {4, 8}, {12, 4}}, 2, 2);
  EXPECT_EQ(queue.take(1, 2)->piece, 0u);
  EXPECT_EQ(queue.take(2, 2)->piece, 2u);
  EXPECT_EQ(queue.take(1, 2)->piece, 0u);
  EXPECT_EQ(queue.take(2, 2)->piece, 2u);
  EXPECT_EQ(queue.take(1, 2)->piece, 3u) << "a whole one, since its own is done";
  EXPECT_EQ(queue.take(3, 2)->piece, 2u) << "no whole one is left";
}

TEST(SplitQueue, WithoutPiecesThereIsNothing) {
  EXPECT_TRUE(SplitQueue({}, 1, 1).empty());
  EXPECT_EQ(SplitQueue({{5, 0}}, 1, 1).take(1, 1), std::nullopt);
}

}  // namespace
}  // namespace sluice::control
