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

TEST(GrantsAhead, AreGivenOnceABatchWasFilledAndTheConsumerHasRoom) {
  Chain run(chain(9));
  EXPECT_TRUE(those_in<GrantAhead>(run.process(1, 1, 1)).empty()) << "its slot has batch 1";
  EXPECT_EQ(those_in<GrantAhead>(run.tell(Taken{2, 1, 0})),
            (std::vector<GrantAhead>{{1, 2, 1, 2, 1}}));
}

TEST(GrantsAhead, AreSettledByTheOutputsThatCome) {
  Chain run(chain(9));
  run.process(1, 1, 1);
  run.tell(Taken{2, 1, 0});
  EXPECT_EQ(those_in<Grant>(run.process(1, 2, 1)).front(), (Grant{1, 2, 2, 1, 1, true}));
  EXPECT_EQ(run.control.loads()[1].records, 1u);
}

TEST(GrantsAhead, OutlastABatchWithoutOutputs) {
  Chain run(chain(9));
  run.process(1, 1, 1);
  run.tell(Taken{2, 1, 0});
  EXPECT_TRUE(those_in<GrantAhead>(run.process(1, 2, 0)).empty()) << "there is one";
  EXPECT_EQ(those_in<Grant>(run.process(1, 3, 1)).front(), (Grant{1, 2, 2, 1, 1, true}));
}

TEST(GrantsAhead, ThatAreDeclinedLeaveTheSlotFree) {
  Chain run(chain(9));
  run.process(1, 1, 1);
  run.tell(Taken{2, 1, 0});
  EXPECT_EQ(those_in<GrantAhead>(run.tell(Declined{1, 1, 2})),
            (std::vector<GrantAhead>{{1, 2, 1, 3, 1}}))
      << "it has got more since";
}

TEST(GrantsAhead, AreNotGivenToOneOfSeveralWorkers) {
  DrivenRun run({{ChannelSpec{}, ChannelSpec{}}, {-1, 0, 0, 1}, {0, 0, 0, 0}, 9, false});
  for (const Rank rank : {1, 3}) run.tell(NodeReady{rank});
  run.make_ready({1, 2, 3});
  run.process(1, 1, 1);
  EXPECT_TRUE(those_in<GrantAhead>(run.tell(Taken{3, 1, 0})).empty());
}

TEST(GrantsAhead, AreNotGivenForABusyConsumerIfAnotherMayComeFree) {
  DrivenRun run(two_stages(9));
  for (const Rank rank : {1, 2, 3}) run.tell(NodeReady{rank});
  run.make_ready({1, 2});
  run.process(1, 1, 1);
  EXPECT_EQ(those_in<GrantAhead>(run.tell(Taken{2, 1, 0})).size(), 1u) << "2 is the only one";
  run.make_ready({3});
  EXPECT_EQ(those_in<Grant>(run.process(1, 2, 1)).front().consumer, 2);
  run.process(1, 3, 1);
  EXPECT_TRUE(those_in<GrantAhead>(run.tell(Taken{3, 3, 0})).empty()) << "both are busy";
}

TEST(GrantsAhead, ThatCameToLessThanABatchAreSealedByTheirOwnCommand) {
  RunPlan plan = chain(9);
  plan.stages[1].batch_size = 2;
  Chain run(plan);
  run.process(1, 1, 2);
  run.tell(Taken{2, 1, 0});
  const auto commands = run.process(1, 2, 1);
  EXPECT_EQ(those_in<Grant>(commands).front(), (Grant{1, 2, 2, 1, 0, true}));
  EXPECT_EQ(those_in<Seal>(run.tell(Finished{2, 1, 0, 0, true, {}})),
            (std::vector<Seal>{{2, 2, 1}}));
}

struct Said {
  std::vector<Event> events;
};

TEST(EarlyReports, WaitForTheProducersWordAndKeepTheirOrder) {
  Chain run(chain(9));
  run.process(1, 1, 1);
  run.tell(Taken{2, 1, 0});  // batch 2 is promised
  EarlyReports<Said> early;
  Said in_time{{Finished{2, 1, 0, 0, true, {}}}};
  EXPECT_FALSE(early.hold(2, in_time, run.control));
  run.tell(in_time.events.front());
  Said first{{Taken{2, 2, 0}}};
  Said second{{Finished{2, 2, 0, 0, true, {}}}};
  EXPECT_TRUE(early.hold(2, first, run.control));
  EXPECT_TRUE(early.hold(2, second, run.control)) << "it may not overtake the first";
  EXPECT_FALSE(early.next(run.control));
  run.process(1, 2, 1);
  for (int i = 0; i < 2; ++i) {
    const auto held = early.next(run.control);
    ASSERT_TRUE(held);
    EXPECT_EQ(held->first, 2);
    run.tell(held->second.events.front());
  }
  EXPECT_FALSE(early.next(run.control));
  EXPECT_EQ(run.control.work(1).batches, 2u);
}

}  // namespace
}  // namespace sluice::control
