#include "control/bench.hpp"
#include "control/driven_run.hpp"
#include "control/early_reports.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace sluice::control {
namespace {

// Rank 1 runs the first stage, rank 2 the second.
RunPlan chain(std::uint64_t inputs) {
  return {{ChannelSpec{}, ChannelSpec{}}, {-1, 0, 1}, {0, 0, 0}, inputs, false};
}

struct Chain : DrivenRun {
  explicit Chain(RunPlan plan) : DrivenRun(std::move(plan)) {
    tell(NodeReady{1});
    tell(NodeReady{2});
    make_ready({1, 2});
  }
};

template <class Kind>
std::vector<Kind> those_in(const Commands& commands) {
  std::vector<Kind> found;
  for (const auto& command : commands) {
    if (const auto* one = std::get_if<Kind>(&command)) found.push_back(*one);
  }
  return found;
}

// Rank 1 has filled batch 1 and is in its second; rank 2 has taken the first: batch 2 is promised.
Commands promise_batch_two(DrivenRun& run) {
  run.process(1, 1, 1);
  run.tell(Taken{1, 2, 0});
  return run.tell(Taken{2, 1, 0});
}

TEST(GrantsAhead, AreGivenOnceABatchWasFilledAndTheConsumerHasRoom) {
  Chain run(chain(9));
  EXPECT_TRUE(those_in<GrantAhead>(run.process(1, 1, 1)).empty());
  EXPECT_TRUE(those_in<GrantAhead>(run.tell(Taken{1, 2, 0})).empty()) << "its slot has batch 1";
  EXPECT_EQ(those_in<GrantAhead>(run.tell(Taken{2, 1, 0})),
            (std::vector<GrantAhead>{{1, 2, 1, 2, 1}}));
}

TEST(GrantsAhead, AreSettledByTheOutputsThatCome) {
  Chain run(chain(9));
  promise_batch_two(run);
  EXPECT_EQ(those_in<Grant>(run.tell(Finished{1, 2, 1, 0, false, {}})).front(),
            (Grant{1, 2, 2, 1, 1, true}));
  EXPECT_EQ(run.control.loads()[1].records, 1u);
}

TEST(GrantsAhead, ThatCrossABatchWithoutOutputsAreSettledByTheNext) {
  Chain run(chain(9));
  promise_batch_two(run);
  EXPECT_TRUE(those_in<GrantAhead>(run.tell(Finished{1, 2, 0, 0, false, {}})).empty());
  EXPECT_EQ(those_in<Grant>(run.process(1, 3, 1)).front(), (Grant{1, 2, 2, 1, 1, true}));
}

TEST(GrantsAhead, ThatAreDeclinedAreGivenAgainWithTheNextBatch) {
  Chain run(chain(9));
  promise_batch_two(run);
  run.tell(Finished{1, 2, 0, 0, false, {}});
  EXPECT_EQ(run.tell(Declined{1, 1, 2}), Commands{}) << "it is in no batch";
  EXPECT_EQ(those_in<GrantAhead>(run.tell(Taken{1, 3, 0})),
            (std::vector<GrantAhead>{{1, 2, 1, 3, 1}}));
}

TEST(GrantsAhead, AreNotGivenToOneOfSeveralWorkers) {
  DrivenRun run({{ChannelSpec{}, ChannelSpec{}}, {-1, 0, 0, 1}, {0, 0, 0, 0}, 9, false});
  for (const Rank rank : {1, 3}) run.tell(NodeReady{rank});
  run.make_ready({1, 2, 3});
  run.process(1, 1, 1);
  run.tell(Taken{1, 3, 0});
  EXPECT_TRUE(those_in<GrantAhead>(run.tell(Taken{3, 1, 0})).empty());
}

TEST(GrantsAhead, AreNotGivenForABusyConsumerIfAnotherMayComeFree) {
  DrivenRun run(two_stages(9));
  for (const Rank rank : {1, 2, 3}) run.tell(NodeReady{rank});
  run.make_ready({1, 2});
  EXPECT_EQ(those_in<GrantAhead>(promise_batch_two(run)).size(), 1u) << "2 is the only one";
  run.make_ready({3});
  EXPECT_EQ(those_in<Grant>(run.tell(Finished{1, 2, 1, 0, false, {}})).front().consumer, 2);
  run.process(1, 3, 1);
  run.tell(Taken{1, 4, 0});
  EXPECT_TRUE(those_in<GrantAhead>(run.tell(Taken{3, 3, 0})).empty()) << "both are busy";
}

TEST(GrantsAhead, ThatCameToLessThanABatchAreSealedByTheirOwnCommand) {
  RunPlan plan = chain(9);
  plan.stages[1].batch_size = 2;
  Chain run(plan);
  run.process(1, 1, 2);
  run.tell(Taken{1, 2, 0});
  run.tell(Taken{2, 1, 0});
  const auto commands = run.tell(Finished{1, 2, 1, 0, false, {}});
  EXPECT_EQ(those_in<Grant>(commands).front(), (Grant{1, 2, 2, 1, 0, true}));
  EXPECT_EQ(those_in<Seal>(run.tell(Finished{2, 1, 0, 0, true, {}})),
            (std::vector<Seal>{{2, 2, 1}}));
}

// With three slots and a second producer, the consumer gets a batch that waits to be filled while
// another is promised.
TEST(GrantsAhead, LeaveNoSecondBatchToBeFilledAtAConsumer) {
  Bench bench({.batch_size = 2, .slots = 3, .batch_wait = std::chrono::seconds(1)});
  bench.dispatcher.add_consumer(5);
  Commands commands;
  bench.dispatcher.settle(1, {2, 0}, bench.now, commands);
  bench.dispatcher.grant_ahead(1, 1, commands);
  EXPECT_EQ(commands, (Commands{GrantAhead{1, 5, 1, 1, 2}}));
  EXPECT_EQ(bench.backlog(2, 1), (Commands{Grant{2, 5, 2, 1, 0}})) << "it waits for more";
  EXPECT_EQ(bench.dispatcher.deadline(), std::chrono::seconds(1))
      << "what is promised is not there";
  commands.clear();
  bench.dispatcher.settle(1, {1, 0}, bench.now, commands);
  EXPECT_EQ(commands, (Commands{Grant{1, 5, 1, 1, 0, true}, Seal{5, 1, 1}}));
}

struct Said {
  std::vector<Event> events;
};

TEST(EarlyReports, WaitForTheProducersWordAndKeepTheirOrder) {
  Chain run(chain(9));
  promise_batch_two(run);
  EarlyReports<Said> early;
  Said in_time{{Finished{2, 1, 0, 0, true, {}}}};
  EXPECT_FALSE(early.hold(2, in_time, run.control));
  run.tell(in_time.events.front());
  Said first{{Taken{2, 2, 0}}};
  Said second{{Finished{2, 2, 0, 0, true, {}}}};
  EXPECT_TRUE(early.hold(2, first, run.control));
  EXPECT_TRUE(early.hold(2, second, run.control)) << "it may not overtake the first";
  EXPECT_FALSE(early.next(run.control));
  run.tell(Finished{1, 2, 1, 0, false, {}});
  for (int i = 0; i < 2; ++i) {
    const auto held = early.next(run.control);
    ASSERT_TRUE(held);
    EXPECT_EQ(held->first, 2);
    run.tell(held->second.events.front());
  }
  EXPECT_FALSE(early.next(run.control));
  EXPECT_EQ(run.control.work(1).batches, 2u);
}

TEST(EarlyReports, OfDeadRanksDoNotCount) {
  Chain run(chain(9));
  promise_batch_two(run);
  EarlyReports<Said> early;
  for (const Rank rank : {2, 3}) {
    Said first{{Taken{2, 2, 0}}};
    Said second{{Finished{2, 2, 0, 0, true, {}}}};
    EXPECT_TRUE(early.hold(rank, first, run.control));
    EXPECT_TRUE(early.hold(rank, second, run.control));
  }
  const auto left = early.take_all({1, 2});
  ASSERT_EQ(left.size(), 2u);
  EXPECT_TRUE(left[0].first == 3 && left[1].first == 3);
  EXPECT_TRUE(std::holds_alternative<Taken>(left[0].second.events.front()));
  EXPECT_TRUE(early.take_all().empty()) << "the dead rank's are gone too";
}

}  // namespace
}  // namespace sluice::control
