#include "control/dispatcher.hpp"

#include "control/bench.hpp"

#include <sluice/error.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace sluice::control {
namespace {

constexpr ChannelSpec singles{.batch_size = 1, .slots = 2};

// Who gets the batches of a command list, in order.
std::vector<Rank> consumers_of(const Commands& commands) {
  std::vector<Rank> ranks;
  for (const auto& command : commands) ranks.push_back(std::get<Grant>(command).consumer);
  return ranks;
}

TEST(Dispatcher, GrantsABatchToTheConsumer) {
  Bench bench(singles);
  bench.dispatcher.add_consumer(5);
  EXPECT_EQ(bench.backlog(1, 1), (Commands{Grant{1, 5, 1, 1, 1}}));
}

TEST(Dispatcher, NothingIsGrantedWithoutAConsumer) {
  Bench bench(singles);
  EXPECT_EQ(bench.backlog(1, 1), Commands{});
  bench.dispatcher.add_consumer(5);
  EXPECT_EQ(bench.match(), (Commands{Grant{1, 5, 1, 1, 1}}));
}

TEST(Dispatcher, TwoSlotsAreOneInProcessAndOnePrefetched) {
  Bench bench(singles);
  bench.dispatcher.add_consumer(5);
  EXPECT_EQ(bench.backlog(1, 9).size(), 1u);
  EXPECT_EQ(bench.taken(5, 1).size(), 1u);
  EXPECT_EQ(bench.match().size(), 0u);
  EXPECT_EQ(bench.finished(5, 1).size(), 0u) << "the prefetched batch was not taken yet";
  EXPECT_EQ(bench.taken(5, 2).size(), 1u);
}

TEST(Dispatcher, OneSlotIsFreeOnlyBetweenBatches) {
  Bench bench({.batch_size = 1, .slots = 1});
  bench.dispatcher.add_consumer(5);
  EXPECT_EQ(bench.backlog(1, 9).size(), 1u);
  EXPECT_EQ(bench.taken(5, 1).size(), 0u);
  EXPECT_EQ(bench.finished(5, 1).size(), 1u);
}

TEST(Dispatcher, MoreSlotsPrefetchAllButOne) {
  Bench bench({.batch_size = 1, .slots = 4});
  bench.dispatcher.add_consumer(5);
  EXPECT_EQ(bench.backlog(1, 9).size(), 3u);
  EXPECT_EQ(bench.taken(5, 1).size(), 1u);
  EXPECT_EQ(bench.finished(5, 1).size(), 0u);
}

TEST(Dispatcher, IdleConsumersComeFirst) {
  Bench bench(singles);
  for (const Rank rank : {5, 6}) bench.dispatcher.add_consumer(rank);
  EXPECT_EQ(consumers_of(bench.backlog(1, 2)), (std::vector<Rank>{5, 6}));
  bench.taken(5, 1);
  bench.taken(6, 2);
  bench.finished(6, 2);
  EXPECT_EQ(consumers_of(bench.backlog(1, 1)), (std::vector<Rank>{6}))
      << "5 was served longer ago, but is busy";
}

TEST(Dispatcher, AnIdleConsumerElsewhereComesBeforeABusyOneNearby) {
  Bench bench(singles, {0, 0, 0, 0, 0, 0, 1});
  for (const Rank rank : {5, 6}) bench.dispatcher.add_consumer(rank);
  EXPECT_EQ(consumers_of(bench.backlog(1, 1)), (std::vector<Rank>{5}));
  bench.taken(5, 1);
  EXPECT_EQ(consumers_of(bench.backlog(1, 2)), (std::vector<Rank>{6, 5}));
}

TEST(Dispatcher, AmongIdleConsumersTheProducersNodeComesFirst) {
  Bench bench(singles, {0, 0, 1, 0, 0, 0, 1});
  for (const Rank rank : {5, 6}) bench.dispatcher.add_consumer(rank);
  EXPECT_EQ(consumers_of(bench.backlog(2, 1)), (std::vector<Rank>{6}));
  EXPECT_EQ(consumers_of(bench.backlog(2, 1)), (std::vector<Rank>{5}));
}

TEST(Dispatcher, AmongBusyConsumersTheProducersNodeComesFirst) {
  Bench bench({.batch_size = 1, .slots = 3}, {0, 0, 1, 0, 0, 0, 1});
  for (const Rank rank : {5, 6}) bench.dispatcher.add_consumer(rank);
  bench.backlog(1, 2);  // one each
  EXPECT_EQ(consumers_of(bench.backlog(2, 1)), (std::vector<Rank>{6}));
}

TEST(Dispatcher, MostFreeSlotsComeNext) {
  Bench bench({.batch_size = 1, .slots = 4});
  for (const Rank rank : {5, 6}) bench.dispatcher.add_consumer(rank);
  EXPECT_EQ(consumers_of(bench.backlog(1, 4)), (std::vector<Rank>{5, 6, 5, 6}));
  bench.taken(5, 1);
  bench.taken(6, 2);
  bench.finished(6, 2);
  EXPECT_EQ(consumers_of(bench.backlog(1, 1)), (std::vector<Rank>{6}))
      << "5 was served longer ago, but holds one more";
}

TEST(Dispatcher, ThenTheOneServedLongestAgo) {
  Bench bench(singles);
  for (const Rank rank : {5, 6, 7}) bench.dispatcher.add_consumer(rank);
  std::vector<Rank> served;
  for (BatchId batch = 1; batch <= 6; ++batch) {
    const auto consumer = consumers_of(bench.backlog(1, 1)).at(0);
    served.push_back(consumer);
    bench.taken(consumer, batch);
    bench.finished(consumer, batch);
  }
  EXPECT_EQ(served, (std::vector<Rank>{5, 6, 7, 5, 6, 7}));
}

TEST(Dispatcher, TheLongestWaitingBacklogGoesFirstAndWhole) {
  Bench bench({.batch_size = 1, .slots = 4});
  for (const Rank producer : {3, 1, 2}) bench.backlog(producer, 2);
  bench.dispatcher.add_consumer(5);
  EXPECT_EQ(bench.match(),
            (Commands{Grant{3, 5, 1, 1, 1}, Grant{3, 5, 2, 1, 1}, Grant{1, 5, 3, 1, 1}}));
}

TEST(Dispatcher, BatchesAreCutFromALargeBacklog) {
  Bench bench({.batch_size = 4, .slots = 4});
  bench.dispatcher.add_consumer(5);
  EXPECT_EQ(bench.backlog(1, 9),
            (Commands{Grant{1, 5, 1, 4, 4}, Grant{1, 5, 2, 4, 4}, Grant{1, 5, 3, 1, 0}}));
}

TEST(Dispatcher, ALateConsumerIsServedAtOnce) {
  Bench bench(singles);
  bench.dispatcher.add_consumer(5);
  bench.backlog(1, 3);
  bench.taken(5, 1);
  bench.dispatcher.add_consumer(6);
  EXPECT_EQ(consumers_of(bench.match()), (std::vector<Rank>{6}));
}

TEST(Dispatcher, IsDrainedWhenAllIsGrantedAndIdleWhenAllIsFinished) {
  Bench bench(singles);
  bench.dispatcher.add_consumer(5);
  EXPECT_FALSE(bench.dispatcher.drained()) << "more may come";
  bench.backlog(1, 2);
  bench.end();
  EXPECT_FALSE(bench.dispatcher.drained());
  bench.taken(5, 1);
  EXPECT_TRUE(bench.dispatcher.drained());
  bench.finished(5, 1);
  EXPECT_FALSE(bench.dispatcher.idle());
  bench.taken(5, 2);
  EXPECT_FALSE(bench.dispatcher.idle());
  bench.finished(5, 2);
  EXPECT_TRUE(bench.dispatcher.idle());
}

TEST(Dispatcher, EmptyBacklogIsNone) {
  Bench bench(singles);
  bench.dispatcher.add_consumer(5);
  EXPECT_EQ(bench.backlog(1, 0), Commands{});
  bench.end();
  EXPECT_TRUE(bench.dispatcher.idle());
}

class CreditMisuse : public testing::Test {
 protected:
  CreditMisuse() {
    bench.dispatcher.add_consumer(5);
    bench.dispatcher.add_consumer(6);
    bench.backlog(1, 4);  // batch 1 to rank 5, batch 2 to rank 6
  }
  Bench bench{ChannelSpec{.batch_size = 2, .slots = 2}};
};

TEST_F(CreditMisuse, TakingWhatWasNotGranted) {
  EXPECT_THROW(bench.dispatcher.taken(5, 2), InvariantError) << "another consumer's";
  EXPECT_THROW(bench.dispatcher.taken(5, 3), InvariantError) << "nobody's";
  EXPECT_THROW(bench.dispatcher.taken(7, 1), InvariantError) << "no consumer";
}

TEST_F(CreditMisuse, TakingTwice) {
  bench.taken(5, 1);
  EXPECT_THROW(bench.dispatcher.taken(5, 1), InvariantError);
}

TEST_F(CreditMisuse, TakingABatchThatMayStillGrow) {
  bench.taken(5, 1);
  bench.backlog(1, 1);
  EXPECT_THROW(bench.dispatcher.taken(5, 3), InvariantError);
}

TEST_F(CreditMisuse, FinishingWhatWasNotTaken) {
  EXPECT_THROW(bench.dispatcher.finished(5, 1), InvariantError);
  EXPECT_THROW(bench.dispatcher.finished(7, 1), InvariantError);
}

TEST_F(CreditMisuse, FinishingTwice) {
  bench.taken(5, 1);
  bench.finished(5, 1);
  EXPECT_THROW(bench.dispatcher.finished(5, 1), InvariantError);
}

TEST_F(CreditMisuse, JoiningTwice) {
  EXPECT_THROW(bench.dispatcher.add_consumer(5), InvariantError);
}

TEST_F(CreditMisuse, BacklogAfterTheEnd) {
  bench.end();
  EXPECT_THROW(bench.dispatcher.backlog(1, 1, 0), InvariantError);
}

TEST_F(CreditMisuse, TheErrorNamesRankAndBatch) {
  try {
    bench.dispatcher.taken(5, 2);
    FAIL();
  } catch (const InvariantError& error) {
    EXPECT_STREQ(error.what(),
                 "internal error (please report it): a batch was taken that was not granted (rank "
                 "5, batch 2)");
  }
}

TEST(Dispatcher, AConsumerThatClosesGetsNoMoreAndIsGoneOnceItHoldsNothing) {
  Bench bench({.batch_size = 4, .slots = 2, .batch_wait = Time::max()});
  bench.dispatcher.add_consumer(1);
  bench.dispatcher.add_consumer(2);
  EXPECT_EQ(bench.backlog(9, 3), (Commands{Grant{9, 1, 1, 3, 0}}));
  Commands commands;
  bench.dispatcher.close(1, commands);
  EXPECT_EQ(commands, (Commands{Seal{1, 1, 3}})) << "what it has been granted is all";
  EXPECT_EQ(bench.backlog(9, 4), (Commands{Grant{9, 2, 2, 4, 4}}));
  EXPECT_EQ(bench.backlog(9, 8), (Commands{})) << "rank 1 has a free slot but is no choice";
  bench.taken(1, 1);
  EXPECT_TRUE(bench.dispatcher.has_consumer(1));
  bench.finished(1, 1);
  EXPECT_FALSE(bench.dispatcher.has_consumer(1));
}

TEST(Dispatcher, AConsumerThatHoldsNothingIsGoneWhenItCloses) {
  Bench bench({});
  bench.dispatcher.add_consumer(1);
  Commands commands;
  bench.dispatcher.close(1, commands);
  EXPECT_FALSE(bench.dispatcher.has_consumer(1));
  EXPECT_EQ(bench.backlog(9, 1), Commands{});
  bench.dispatcher.add_consumer(1);
  EXPECT_EQ(bench.match(), (Commands{Grant{9, 1, 1, 1, 1}})) << "it may come back";
}

}  // namespace
}  // namespace sluice::control
