#include "control/bench.hpp"
#include "control/dispatcher.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace sluice::control {
namespace {

constexpr Time wait{1000};
constexpr ChannelSpec fours{.batch_size = 4, .slots = 2, .batch_wait = wait};

// A channel whose consumer 5 is busy with batch 1.
Bench busy(ChannelSpec spec) {
  Bench bench(spec);
  bench.dispatcher.add_consumer(5);
  bench.backlog(1, spec.batch_size);
  bench.taken(5, 1);
  return bench;
}

TEST(Batching, SmallOutputsOfSeveralProducersBecomeOneBatch) {
  Bench bench(fours);
  bench.dispatcher.add_consumer(5);
  EXPECT_EQ(bench.backlog(1, 1), (Commands{Grant{1, 5, 1, 1, 0}}));
  EXPECT_EQ(bench.backlog(2, 2), (Commands{Grant{2, 5, 1, 2, 0}}));
  EXPECT_EQ(bench.backlog(3, 3), (Commands{Grant{3, 5, 1, 1, 4}}));
  EXPECT_EQ(bench.taken(5, 1), (Commands{Grant{3, 5, 2, 2, 0}}));
}

TEST(Batching, AnIdleConsumerWaitsForAPartialBatchToFillButNotForLong) {
  Bench bench(fours);
  bench.dispatcher.add_consumer(5);
  bench.now = Time(50);
  bench.backlog(1, 3);
  EXPECT_EQ(bench.dispatcher.deadline(), Time(1050));
  bench.now = Time(1049);
  EXPECT_EQ(bench.match(), Commands{});
  bench.now = Time(1050);
  EXPECT_EQ(bench.match(), (Commands{Seal{5, 1, 3}}));
  EXPECT_EQ(bench.dispatcher.deadline(), std::nullopt);
}

TEST(Batching, TheWaitStartsWithTheFirstRecord) {
  Bench bench(fours);
  bench.dispatcher.add_consumer(5);
  bench.backlog(1, 1);
  bench.now = Time(900);
  bench.backlog(1, 1);
  EXPECT_EQ(bench.dispatcher.deadline(), wait);
  bench.now = wait;
  EXPECT_EQ(bench.match(), (Commands{Seal{5, 1, 2}}));
}

TEST(Batching, ABusyConsumersPartialBatchGoesOnFilling) {
  auto bench = busy(fours);
  bench.backlog(1, 1);
  EXPECT_EQ(bench.dispatcher.deadline(), std::nullopt);
  bench.now = 10 * wait;
  EXPECT_EQ(bench.match(), Commands{});
  EXPECT_EQ(bench.backlog(2, 1), (Commands{Grant{2, 5, 2, 1, 0}}));
  EXPECT_EQ(bench.finished(5, 1), (Commands{Seal{5, 2, 2}})) << "it has waited long enough";
}

TEST(Batching, AConsumerThatBecomesIdleWaitsForTheRestOfTheWait) {
  auto bench = busy(fours);
  bench.now = Time(100);
  bench.backlog(1, 1);
  bench.now = Time(500);
  EXPECT_EQ(bench.finished(5, 1), Commands{});
  EXPECT_EQ(bench.dispatcher.deadline(), Time(1100));
}

TEST(Batching, WithoutAWaitAnIdleConsumerGetsWhatThereIs) {
  Bench bench({.batch_size = 4, .slots = 2});
  bench.dispatcher.add_consumer(5);
  EXPECT_EQ(bench.backlog(1, 1), (Commands{Grant{1, 5, 1, 1, 1}})) << "in one message";
  bench.taken(5, 1);
  EXPECT_EQ(bench.backlog(1, 1), (Commands{Grant{1, 5, 2, 1, 0}})) << "busy: it may fill";
  EXPECT_EQ(bench.finished(5, 1), (Commands{Seal{5, 2, 1}}));
}

TEST(Batching, AWaitWithoutEndHasNoDeadline) {
  Bench bench({.batch_size = 4, .slots = 2, .batch_wait = Time::max()});
  bench.dispatcher.add_consumer(5);
  bench.now = Time(1);
  bench.backlog(1, 1);
  EXPECT_EQ(bench.dispatcher.deadline(), std::nullopt);
  EXPECT_EQ(bench.end(), (Commands{Seal{5, 1, 1}}));
}

TEST(Batching, TheEndOfInputFlushes) {
  auto bench = busy(fours);
  bench.backlog(1, 3);
  EXPECT_EQ(bench.end(), (Commands{Seal{5, 2, 3}})) << "though the consumer is busy";
  EXPECT_TRUE(bench.dispatcher.drained());
}

TEST(Batching, AfterTheEndTheLastGrantSaysThatItIsTheLast) {
  auto bench = busy(fours);
  bench.backlog(1, 6);
  bench.end();
  EXPECT_EQ(bench.finished(5, 1), Commands{});
  EXPECT_EQ(bench.taken(5, 2), (Commands{Grant{1, 5, 3, 2, 2}}));
}

TEST(Batching, TheEndOfInputFlushesThePartialBatchesOfAllConsumers) {
  Bench bench({.batch_size = 4, .slots = 2});
  for (const Rank rank : {5, 6}) bench.dispatcher.add_consumer(rank);
  bench.backlog(1, 8);
  bench.taken(5, 1);
  bench.taken(6, 2);
  bench.backlog(1, 1);
  bench.dispatcher.finished(6, 2);
  EXPECT_EQ(bench.backlog(2, 1), (Commands{Grant{2, 6, 4, 1, 1}}));
  EXPECT_EQ(bench.end(), (Commands{Seal{5, 3, 1}}));
}

TEST(Batching, AnIdleConsumerGetsRecordsBeforeThePartialBatchOfABusyOne) {
  Bench bench(fours);
  for (const Rank rank : {5, 6}) bench.dispatcher.add_consumer(rank);
  bench.backlog(1, 8);
  bench.taken(5, 1);
  bench.taken(6, 2);
  EXPECT_EQ(bench.backlog(1, 1), (Commands{Grant{1, 5, 3, 1, 0}}));
  bench.finished(6, 2);
  EXPECT_EQ(bench.backlog(1, 1), (Commands{Grant{1, 6, 4, 1, 0}})) << "5 may be busy for long";
  EXPECT_EQ(bench.backlog(1, 4), (Commands{Grant{1, 6, 4, 3, 4}, Grant{1, 5, 3, 1, 0}}))
      << "then 5's fills on";
  EXPECT_EQ(bench.dispatcher.deadline(), std::nullopt);
  EXPECT_EQ(bench.finished(5, 1), Commands{});
  EXPECT_EQ(bench.dispatcher.deadline(), wait);
}

TEST(ByteBudget, HoldsGrantsBackUntilBytesAreTaken) {
  Bench bench({.batch_size = 2, .slots = 4, .byte_budget = 500});
  bench.dispatcher.add_consumer(5);
  EXPECT_EQ(bench.backlog(1, 10, 1000),
            (Commands{Grant{1, 5, 1, 2, 2}, Grant{1, 5, 2, 2, 2}, Grant{1, 5, 3, 1, 0}}))
      << "the last may fill when the first is taken";
  EXPECT_EQ(bench.taken(5, 1), (Commands{Grant{1, 5, 3, 1, 2}, Grant{1, 5, 4, 1, 0}}));
}

TEST(ByteBudget, APartialBatchGoesIfNothingElseCanBeTaken) {
  Bench bench({.batch_size = 8, .slots = 2, .batch_wait = wait, .byte_budget = 500});
  bench.dispatcher.add_consumer(5);
  EXPECT_EQ(bench.backlog(1, 10, 1000), (Commands{Grant{1, 5, 1, 5, 5}}));
  EXPECT_EQ(bench.taken(5, 1), (Commands{Grant{1, 5, 2, 5, 0}})) << "all that there is";
  EXPECT_EQ(bench.backlog(1, 1, 100), (Commands{Seal{5, 2, 5}})) << "and no bytes for more";
}

TEST(ByteBudget, OneRecordMayAlwaysGo) {
  Bench bench({.batch_size = 8, .slots = 2, .byte_budget = 500});
  bench.dispatcher.add_consumer(5);
  EXPECT_EQ(bench.backlog(1, 3, 3000), (Commands{Grant{1, 5, 1, 1, 1}}));
  EXPECT_EQ(bench.taken(5, 1), (Commands{Grant{1, 5, 2, 1, 1}}));
}

TEST(ByteBudget, RecordsWithoutBytesAreFree) {
  Bench bench({.batch_size = 4, .slots = 4, .byte_budget = 1});
  bench.dispatcher.add_consumer(5);
  EXPECT_EQ(bench.backlog(1, 12, 0).size(), 3u);
}

TEST(ByteBudget, NoneMeansNoLimit) {
  Bench bench({.batch_size = 4, .slots = 4});
  bench.dispatcher.add_consumer(5);
  EXPECT_EQ(bench.backlog(1, 12, std::uint64_t{1} << 60).size(), 3u);
}

}  // namespace
}  // namespace sluice::control
