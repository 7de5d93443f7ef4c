#include "control/worker_flow.hpp"

#include "control/bench.hpp"

#include <sluice/error.hpp>

#include <gtest/gtest.h>

#include <optional>

namespace sluice::control {
namespace {

TEST(WorkerFlow, TakesABatchOnceItIsWhole) {
  WorkerFlow flow({.slots = 2});
  EXPECT_EQ(flow.take(), std::nullopt);
  flow.arrived(1, 2, 0);
  EXPECT_EQ(flow.take(), std::nullopt) << "more may come";
  flow.arrived(1, 3, 5);
  EXPECT_EQ(flow.take(), 1u);
  EXPECT_EQ(flow.take(), std::nullopt);
  EXPECT_TRUE(flow.running());
}

TEST(WorkerFlow, PartsMayArriveInAnyOrder) {
  WorkerFlow flow({.slots = 2});
  flow.arrived(1, 3, 5);
  EXPECT_EQ(flow.take(), std::nullopt) << "the part that says it is the last came first";
  flow.arrived(1, 2, 0);
  EXPECT_EQ(flow.take(), 1u);
}

TEST(WorkerFlow, ASealMayComeBeforeOrAfterTheRecords) {
  WorkerFlow flow({.slots = 3});
  flow.sealed(1, 2);
  EXPECT_EQ(flow.take(), std::nullopt);
  flow.arrived(1, 2, 0);
  flow.arrived(2, 1, 0);
  EXPECT_EQ(flow.take(), 1u);
  flow.finished(0);
  EXPECT_EQ(flow.take(), std::nullopt);
  flow.sealed(2, 1);
  EXPECT_EQ(flow.take(), 2u);
}

TEST(WorkerFlow, TakesTheOldestWholeBatch) {
  WorkerFlow flow({.slots = 4});
  flow.arrived(3, 1, 1);
  flow.arrived(1, 1, 0);
  flow.arrived(2, 1, 1);
  EXPECT_EQ(flow.take(), 2u) << "1 is not whole";
}

TEST(WorkerFlow, WhileBacklogWaitsNothingIsTaken) {
  WorkerFlow flow({.slots = 2});
  flow.arrived(1, 1, 1);
  flow.take();
  flow.arrived(2, 1, 1);
  EXPECT_EQ(flow.take(), std::nullopt) << "one batch is in process";
  flow.finished(3);
  EXPECT_EQ(flow.backlog(), 3u);
  EXPECT_EQ(flow.take(), std::nullopt);
  flow.granted(2);
  EXPECT_EQ(flow.take(), std::nullopt);
  flow.granted(1);
  EXPECT_EQ(flow.take(), 2u);
}

TEST(WorkerFlow, IsEmptyWhenNothingArrivedRunsOrWaits) {
  WorkerFlow flow({.slots = 2});
  EXPECT_TRUE(flow.empty());
  flow.arrived(1, 1, 1);
  EXPECT_FALSE(flow.empty());
  flow.take();
  EXPECT_FALSE(flow.empty());
  flow.finished(1);
  EXPECT_FALSE(flow.empty());
  flow.granted(1);
  EXPECT_TRUE(flow.empty());
}

TEST(WorkerFlow, RefusesABatchBeyondItsSlots) {
  for (const std::uint64_t slots : {1, 2}) {
    WorkerFlow flow({.slots = slots});
    flow.arrived(1, 1, 1);
    EXPECT_THROW(flow.arrived(2, 1, 1), InvariantError) << slots;
  }
  WorkerFlow flow({.slots = 4});
  for (const BatchId batch : {1, 2, 3}) flow.arrived(batch, 1, 1);
  EXPECT_THROW(flow.sealed(4, 1), InvariantError);
}

TEST(WorkerFlow, RefusesMoreRecordsThanABatchHas) {
  WorkerFlow flow({.slots = 4});
  flow.arrived(1, 3, 5);
  EXPECT_THROW(flow.arrived(1, 3, 0), InvariantError);
  flow.arrived(2, 3, 0);
  EXPECT_THROW(flow.sealed(2, 2), InvariantError);
}

TEST(WorkerFlow, RefusesABatchOfTwoSizes) {
  WorkerFlow flow({.slots = 2});
  flow.arrived(1, 1, 5);
  EXPECT_THROW(flow.sealed(1, 4), InvariantError);
}

TEST(WorkerFlow, RefusesAGrantOfMoreThanItsBacklog) {
  WorkerFlow flow({.slots = 2});
  EXPECT_THROW(flow.granted(1), InvariantError);
  flow.arrived(1, 1, 1);
  flow.take();
  flow.finished(2);
  EXPECT_THROW(flow.granted(3), InvariantError);
}

TEST(WorkerFlow, RefusesToFinishWhatItDidNotTake) {
  WorkerFlow flow({.slots = 2});
  EXPECT_THROW(flow.finished(0), InvariantError);
  flow.arrived(1, 1, 1);
  flow.take();
  flow.finished(0);
  EXPECT_THROW(flow.finished(0), InvariantError);
}

TEST(WorkerFlow, TakesUpToItsDepthAtOnce) {
  WorkerFlow flow({.slots = 2, .depth = 3});
  for (BatchId batch = 1; batch <= 3; ++batch) {
    flow.arrived(batch, 1, 1);
    EXPECT_EQ(flow.take(), batch);
  }
  flow.arrived(4, 1, 1);
  EXPECT_EQ(flow.take(), std::nullopt);
  EXPECT_EQ(flow.running(), 3u);
  flow.finished(0);
  EXPECT_EQ(flow.take(), 4u);
}

TEST(WorkerFlow, OutputsThatWaitTakeUpItsDepth) {
  WorkerFlow flow({.slots = 4, .depth = 2});
  for (BatchId batch = 1; batch <= 2; ++batch) flow.arrived(batch, 1, 1);
  flow.take();
  flow.finished(5);
  EXPECT_EQ(flow.take(), 2u);  // one of two waits
  flow.arrived(3, 1, 1);
  flow.finished(2);
  EXPECT_EQ(flow.backlog(), 7u);
  EXPECT_EQ(flow.take(), std::nullopt);
  flow.granted(4);
  EXPECT_EQ(flow.take(), std::nullopt);
  EXPECT_THROW(flow.granted(2), InvariantError);  // of two batches
  flow.granted(1);
  EXPECT_EQ(flow.waiting(), 1u);
  EXPECT_EQ(flow.take(), 3u);
}

TEST(WorkerFlow, OutputsGoWhereItWasSaidBeforehand) {
  WorkerFlow flow({.batch_size = 4});
  flow.arrived(1, 1, 1);
  flow.take();
  flow.granted_ahead({5, 6, 2, 9, 3});
  EXPECT_FALSE(flow.due_grant()) << "there are none yet";
  EXPECT_FALSE(flow.decline()) << "there will be";
  flow.finished(4);
  EXPECT_EQ(flow.due_grant(), (Grant{5, 6, 9, 3, 3, true}));
  EXPECT_EQ(flow.backlog(), 1u);
  EXPECT_FALSE(flow.due_grant()) << "once only";
}

TEST(WorkerFlow, OutputsThatWaitGoAtOnceAndDoNotSealABatchThatIsNotFull) {
  WorkerFlow flow({.batch_size = 4});
  flow.arrived(1, 1, 1);
  flow.take();
  flow.finished(2);
  flow.granted_ahead({5, 6, 2, 9, 3});
  EXPECT_EQ(flow.due_grant(), (Grant{5, 6, 9, 2, 0, true}));
}

TEST(WorkerFlow, DeclinesAGrantAfterABatchWithoutOutputs) {
  WorkerFlow flow({.slots = 3});
  flow.arrived(1, 1, 1);
  flow.arrived(2, 1, 1);
  flow.take();
  flow.granted_ahead({5, 6, 2, 9, 1});
  flow.finished(0);
  EXPECT_TRUE(flow.decline());
  flow.granted_ahead({5, 6, 2, 10, 1});
  EXPECT_FALSE(flow.decline()) << "it came too late for the first, and is for the second";
}

TEST(WorkerFlow, DeclinesAGrantOnceItHasNothingToProcess) {
  WorkerFlow flow({});
  flow.arrived(1, 1, 1);
  flow.granted_ahead({5, 6, 2, 9, 1});
  EXPECT_FALSE(flow.decline());
  flow.take();
  EXPECT_FALSE(flow.decline());
  flow.finished(0);
  const auto declined = flow.decline();
  ASSERT_TRUE(declined);
  EXPECT_EQ(declined->channel, 2u);
  EXPECT_EQ(declined->batch, 9u);
  EXPECT_FALSE(flow.decline()) << "once only";
}

}  // namespace
}  // namespace sluice::control
