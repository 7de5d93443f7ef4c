#include "control/run_control.hpp"

#include "control/bench.hpp"

#include <sluice/error.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <utility>
#include <vector>

namespace sluice::control {
namespace {

// Two stages: rank 1 runs the first, ranks 2 and 3 the second; rank 4 is idle.
RunPlan two_stages(std::uint64_t inputs) {
  return {{ChannelSpec{}, ChannelSpec{}}, {-1, 0, 1, 1, -1}, {0, 0, 0, 1, 1}, inputs, false};
}

class DrivenRun {
 public:
  explicit DrivenRun(RunPlan plan) : control(std::move(plan)) { started = control.start(now); }

  Commands tell(const Event& event) { return control.handle(event, now); }

  void make_ready(std::initializer_list<Rank> ranks) {
    for (const Rank rank : ranks) tell(WorkerReady{rank});
  }
  /// The worker takes a batch, and makes so many outputs of it.
  Commands process(Rank rank, BatchId batch, std::uint64_t outputs) {
    tell(Taken{rank, batch, 0});
    return tell(Finished{rank, batch, outputs, 0, false, {}});
  }
  /// The last stage finishes one input.
  Commands deliver(Rank rank, BatchId batch, std::uint64_t origin) {
    tell(Taken{rank, batch, 0});
    return tell(Finished{rank, batch, 0, 0, true, {{origin, -1}}});
  }

  RunControl control;
  Commands started;
  Time now{0};
};

TEST(RunControl, TheFirstWorkerOfAStageOnANodeSetsTheNodeUp) {
  const DrivenRun run({{ChannelSpec{}}, {-1, 0, 0, 0}, {0, 0, 1, 0}, 1, false});
  EXPECT_EQ(run.started,
            (Commands{Assign{1, 0, 0, 3, true, true}, Assign{2, 0, 1, 3, true, true}}));
}

TEST(RunControl, WorkersAreAssignedOnceTheirNodeIsSetUp) {
  DrivenRun run({{ChannelSpec{}}, {-1, 0, 0, 0}, {0, 0, 1, 0}, 1, false});
  EXPECT_EQ(run.tell(NodeReady{1}),
            (Commands{Assign{1, 0, 0, 3, false, true}, Assign{3, 0, 2, 3, false, true}}));
  EXPECT_EQ(run.tell(NodeReady{2}), (Commands{Assign{2, 0, 1, 3, false, true}}));
}

TEST(RunControl, EachStageSetsItsNodesUpForItself) {
  const DrivenRun run(two_stages(1));
  EXPECT_EQ(run.started, (Commands{Assign{1, 0, 0, 1, true, false}, Assign{2, 1, 0, 2, true, true},
                                   Assign{3, 1, 1, 2, true, true}}));
}

TEST(RunControl, InputIsAdmittedOnlyIntoFreeSlots) {
  DrivenRun run({{ChannelSpec{.batch_size = 4, .slots = 2}}, {-1, 0, 0}, {0, 0, 0}, 100, false});
  EXPECT_EQ(run.tell(WorkerReady{2}), (Commands{Grant{0, 2, 1, 4, 4}}));
  EXPECT_EQ(run.control.loads()[0].records, 4u);
  EXPECT_EQ(run.tell(Taken{2, 1, 0}), (Commands{Grant{0, 2, 2, 4, 4}}));
  EXPECT_EQ(run.tell(WorkerReady{1}), (Commands{Grant{0, 1, 3, 4, 4}}));
  EXPECT_EQ(run.control.loads()[0].records, 8u);
}

TEST(RunControl, OutputsAreGrantedStraightFromTheirProducer) {
  DrivenRun run(two_stages(1));
  run.make_ready({1, 2, 3});
  EXPECT_EQ(run.process(1, 1, 2),
            (Commands{Grant{1, 2, 1, 1, 1}, Grant{1, 3, 2, 1, 1}, Retire{1}}));
}

TEST(RunControl, AStageRetiresOnlyWhenItsOutputsAreGranted) {
  DrivenRun run(two_stages(1));
  run.make_ready({1});
  EXPECT_EQ(run.process(1, 1, 1), Commands{}) << "nobody is there to take the output";
  EXPECT_EQ(run.tell(WorkerReady{2}), (Commands{Grant{1, 2, 1, 1, 1}, Retire{1}}));
}

TEST(RunControl, StagesRetireOneAfterTheOther) {
  DrivenRun run(two_stages(1));
  run.make_ready({1, 2, 3});
  run.process(1, 1, 1);
  run.tell(Left{1});
  EXPECT_EQ(run.deliver(2, 1, 0), (Commands{Retire{2}, Retire{3}}));
  EXPECT_FALSE(run.control.finished());
  run.tell(Left{3});
  EXPECT_FALSE(run.control.finished());
  run.tell(Left{2});
  EXPECT_TRUE(run.control.finished());
  EXPECT_EQ(run.control.inputs_done(), 1u);
}

TEST(RunControl, TheEndOfAStageFlushesPartialBatches) {
  DrivenRun run(
      {{ChannelSpec{}, ChannelSpec{.batch_size = 8, .slots = 2, .batch_wait = Time::max()}},
       {-1, 0, 1},
       {0, 0, 0},
       2,
       false});
  run.make_ready({1, 2});
  EXPECT_EQ(run.process(1, 1, 3), (Commands{Grant{1, 2, 1, 3, 0}}));
  EXPECT_EQ(run.process(1, 2, 0), (Commands{Seal{2, 1, 3}, Retire{1}}))
      << "the last batch was filtered out, but it ended the input";
}

TEST(RunControl, WithoutInputsAllRetireAtOnce) {
  DrivenRun run(two_stages(0));
  const auto& last = run.started;
  ASSERT_EQ(last.size(), 6u);
  EXPECT_EQ(Commands(last.begin() + 3, last.end()), (Commands{Retire{1}, Retire{2}, Retire{3}}));
  for (const Rank rank : {1, 2, 3}) run.tell(Left{rank});
  EXPECT_TRUE(run.control.finished());
}

TEST(RunControl, WorkersThatComeTooLateAreNotAssignedOrServed) {
  DrivenRun run({{ChannelSpec{}}, {-1, 0, 0}, {0, 0, 1}, 1, false});
  run.make_ready({1});
  EXPECT_EQ(run.deliver(1, 1, 0), (Commands{Retire{1}, Retire{2}}));
  EXPECT_EQ(run.tell(NodeReady{2}), Commands{});
  EXPECT_EQ(run.tell(WorkerReady{2}), Commands{});
}

TEST(RunControl, CollectedOutputsGoToTheCoordinator) {
  DrivenRun run({{ChannelSpec{}}, {-1, 0}, {0, 0}, 1, true});
  EXPECT_EQ(run.started, (Commands{Assign{1, 0, 0, 1, true, false}})) << "nor end at the worker";
  run.make_ready({1});
  EXPECT_EQ(run.process(1, 1, 1), (Commands{Grant{1, 0, 1, 1, 1}, Retire{1}}));
  run.tell(Left{1});
  EXPECT_FALSE(run.control.finished());
  run.tell(Taken{coordinator, 1, 0});
  EXPECT_EQ(run.control.inputs_done(), 0u);
  run.tell(Finished{coordinator, 1, 0, 0, true, {{0, -1}}});
  EXPECT_TRUE(run.control.finished());
}

TEST(RunControl, CountsWhatEachChannelStores) {
  DrivenRun run(two_stages(2));
  run.make_ready({1});
  run.tell(Admitted{100});
  EXPECT_EQ(run.control.loads()[0].bytes, 100u);
  run.tell(Taken{1, 1, 100});
  EXPECT_EQ(run.control.loads()[0].records, 1u) << "the next input was admitted";
  EXPECT_EQ(run.control.loads()[0].bytes, 0u);
  run.tell(Finished{1, 1, 3, 30, false, {{0, 2}}});
  run.make_ready({2});
  run.tell(Taken{2, 1, 10});
  const auto& load = run.control.loads()[1];
  EXPECT_EQ(load.records, 2u);
  EXPECT_EQ(load.bytes, 20u);
  EXPECT_EQ(load.peak_records, 3u);
  EXPECT_EQ(load.peak_bytes, 30u);
  EXPECT_EQ(load.taken_records, 1u);
  EXPECT_THROW(run.tell(Taken{2, 2, 21}), InvariantError) << "more bytes than it stores";
}

TEST(RunControl, ItsDeadlineIsTheEarliestOfItsChannels) {
  DrivenRun run({{ChannelSpec{}, ChannelSpec{.batch_size = 8, .slots = 2, .batch_wait = Time(500)},
                  ChannelSpec{.batch_size = 8, .slots = 2, .batch_wait = Time(100)}},
                 {-1, 0, 1, 2},
                 {0, 0, 0, 0},
                 3,
                 false});
  run.make_ready({1, 2, 3});
  EXPECT_EQ(run.control.deadline(), std::nullopt);
  run.process(1, 1, 1);
  EXPECT_EQ(run.control.deadline(), Time(500));
  run.now = Time(500);
  EXPECT_EQ(run.tell(Tick{}), (Commands{Seal{2, 1, 1}}));
  run.process(1, 2, 1);
  run.process(2, 1, 1);
  EXPECT_EQ(run.control.deadline(), Time(600));
}

TEST(RunControl, RefusesAPlanWithoutWorkersForAStage) {
  EXPECT_THROW(RunControl({{ChannelSpec{}, ChannelSpec{}}, {-1, 0}, {0, 0}, 1, false}),
               InvariantError);
}

TEST(RunControl, RefusesToEndWithInputsNotDone) {
  DrivenRun run({{ChannelSpec{}}, {-1, 0}, {0, 0}, 1, false});
  run.make_ready({1});
  run.tell(Taken{1, 1, 0});
  run.tell(Finished{1, 1, 0, 0, true, {}});
  run.tell(Left{1});
  EXPECT_THROW(static_cast<void>(run.control.finished()), InvariantError);
}

TEST(RunControl, RefusesEventsOfRanksThatHaveNoStage) {
  DrivenRun run(two_stages(1));
  EXPECT_THROW(run.tell(WorkerReady{4}), InvariantError);
  EXPECT_THROW(run.tell(Taken{4, 1, 0}), InvariantError);
  EXPECT_THROW(run.tell(Left{4}), InvariantError);
}

TEST(RunControl, RefusesWorkersThatLeaveTooEarlyOrTwice) {
  DrivenRun run({{ChannelSpec{}}, {-1, 0, 0}, {0, 0, 0}, 1, false});
  run.make_ready({1});
  EXPECT_THROW(run.tell(Left{2}), InvariantError);
  run.deliver(1, 1, 0);
  run.tell(Left{2});
  EXPECT_THROW(run.tell(Left{2}), InvariantError);
}

// Rank 1 runs the first stage, ranks 2 and 3 the second; rank 4 is idle, on a node of its own.
RunPlan with_an_idle_rank(std::uint64_t inputs) {
  return {{ChannelSpec{}, ChannelSpec{}}, {-1, 0, 1, 1, -1}, {0, 0, 0, 0, 1}, inputs, false};
}

TEST(RoleChanges, AnIdleRankJoinsAtOnceAndSetsItsNodeUp) {
  DrivenRun run(with_an_idle_rank(10));
  EXPECT_EQ(run.control.reassign({-1, 0, 1, 1, 0}, run.now),
            (Commands{Assign{4, 0, 1, 2, true, false}}));
  EXPECT_EQ(run.tell(NodeReady{4}), (Commands{Assign{4, 0, 1, 2, false, false}}));
  EXPECT_EQ(run.tell(WorkerReady{4}), (Commands{Grant{0, 4, 1, 1, 1}}));
}

TEST(RoleChanges, AWorkerFinishesWhatItWasGrantedAndSendsItsBacklogBeforeItLeaves) {
  DrivenRun run({{ChannelSpec{}, ChannelSpec{}}, {-1, 0, 0, 1}, {0, 0, 0, 0}, 10, false});
  run.tell(NodeReady{1});
  run.tell(NodeReady{3});
  run.make_ready({1});
  EXPECT_EQ(run.control.reassign({-1, 1, 0, 1}, run.now), Commands{}) << "it holds a batch";
  EXPECT_EQ(run.tell(Taken{1, 1, 0}), Commands{}) << "and gets no other";
  EXPECT_EQ(run.tell(Finished{1, 1, 1, 0, false, {}}), Commands{}) << "its output is there still";
  EXPECT_EQ(run.tell(WorkerReady{3}), (Commands{Grant{1, 3, 1, 1, 1}, Retire{1}}));
  EXPECT_EQ(run.tell(Left{1}), (Commands{Assign{1, 1, 1, 2, false, true}}))
      << "the node is set up for the stage, and number 0 was given before";
}

TEST(RoleChanges, AWorkerInSetupLeavesAsSoonAsItHasLearnt) {
  DrivenRun run(with_an_idle_rank(10));
  EXPECT_EQ(run.control.reassign({-1, 0, 1, 0, -1}, run.now), (Commands{Retire{3}}));
  EXPECT_EQ(run.tell(NodeReady{2}), (Commands{Assign{2, 1, 0, 2, false, true}}));
  run.tell(NodeReady{1});
  EXPECT_EQ(run.tell(Left{3}), (Commands{Assign{3, 0, 1, 2, false, false}}));
  EXPECT_EQ(run.control.roles().workers_of(0), 2u);
  EXPECT_EQ(run.control.roles().workers_of(1), 1u);
}

TEST(RoleChanges, TheLastWorkerOfAStageStaysIfNobodyIsToComeInItsPlace) {
  DrivenRun run(two_stages(10));
  run.make_ready({1, 2, 3});
  EXPECT_EQ(run.control.reassign({-1, 0, 0, 0, -1}, run.now), (Commands{Retire{2}}));
  EXPECT_EQ(run.control.roles().destinations(), (std::vector<int>{-1, 0, 0, 1, -1}));
}

// Rank 2 stays, for nobody comes in its place; so nobody comes in rank 1's.
TEST(RoleChanges, WhoStaysCannotRelieveAnother) {
  DrivenRun run(
      {{ChannelSpec{}, ChannelSpec{}, ChannelSpec{}}, {-1, 0, 1, 2}, {0, 0, 0, 0}, 10, false});
  run.make_ready({1, 2, 3});
  EXPECT_EQ(run.control.reassign({-1, 2, 0, 2}, run.now), Commands{});
  EXPECT_EQ(run.control.roles().destinations(), (std::vector<int>{-1, 0, 1, 2}));
  EXPECT_TRUE(run.control.roles().settled());
}

TEST(RoleChanges, TheLastWorkerOfAStageLeavesWhenAnotherIsReady) {
  DrivenRun run(two_stages(10));
  run.tell(NodeReady{1});
  run.make_ready({1, 2, 3});
  EXPECT_EQ(run.control.reassign({-1, 1, 0, 1, -1}, run.now), (Commands{Retire{2}}));
  EXPECT_EQ(run.control.roles().destinations(), (std::vector<int>{-1, 1, 0, 1, -1}));
  EXPECT_EQ(run.tell(Left{2}), (Commands{Assign{2, 0, 1, 2, false, false}}));
  EXPECT_FALSE(run.control.roles().draining(1)) << "it works until the other is ready";
  EXPECT_FALSE(run.control.roles().settled());
  run.tell(WorkerReady{2});
  EXPECT_TRUE(run.control.roles().draining(1));
}

TEST(RoleChanges, AStageThatHasEndedIsNotJoined) {
  DrivenRun run(two_stages(1));
  run.make_ready({1, 2, 3});
  run.process(1, 1, 1);
  EXPECT_EQ(run.control.reassign({-1, 0, 1, 1, 0}, run.now), Commands{});
  EXPECT_EQ(run.tell(Left{1}), Commands{});
}

TEST(RoleChanges, ARankWhoseStageHasEndedCanHelpTheNext) {
  DrivenRun run(with_an_idle_rank(1));
  run.make_ready({1, 2, 3});
  run.tell(NodeReady{2});
  run.process(1, 1, 2);
  run.control.reassign({-1, 1, 1, 1, -1}, run.now);
  EXPECT_EQ(run.tell(Left{1}), (Commands{Assign{1, 1, 2, 3, false, true}}));
}

// Two workers of one stage, each good for ten seconds; the first is five seconds older. Each has a
// batch in process and another to come.
DrivenRun two_mortals(bool renumber) {
  RunPlan plan{{ChannelSpec{}}, {-1, 0, 0}, {0, 0, 0}, 100, false};
  plan.lifetimes = {{std::chrono::seconds(10), renumber}};
  DrivenRun run(plan);
  run.tell(NodeReady{1});
  run.make_ready({1});
  run.tell(Taken{1, 1, 0});
  run.now = std::chrono::seconds(5);
  run.make_ready({2});
  run.tell(Taken{2, 3, 0});
  return run;
}

TEST(Lifetimes, AWorkerThatIsTooOldFinishesWhatItHasAndIsSetUpAgainAsTheSameWorker) {
  auto run = two_mortals(false);
  EXPECT_EQ(run.control.deadline(), Time(std::chrono::seconds(10)));
  run.now = std::chrono::seconds(10);
  EXPECT_EQ(run.tell(Tick{}), Commands{}) << "it has a batch in process";
  EXPECT_EQ(run.tell(Finished{1, 1, 0, 0, true, {{0, -1}}}), Commands{}) << "and gets no other";
  EXPECT_EQ(run.deliver(1, 2, 1), (Commands{Retire{1}})) << "than the one that was on its way";
  run.now = std::chrono::seconds(40);
  EXPECT_EQ(run.control.deadline(), std::nullopt);
  EXPECT_EQ(run.tell(Tick{}), Commands{});
  EXPECT_FALSE(run.control.roles().draining(2)) << "one at a time";
  EXPECT_EQ(run.tell(Left{1}), (Commands{Assign{1, 0, 0, 2, false, true}}));
  EXPECT_EQ(run.tell(WorkerReady{1}), (Commands{Grant{0, 1, 5, 1, 1}}));
  EXPECT_TRUE(run.control.roles().draining(2)) << "now it is the other one's turn";
}

TEST(Lifetimes, AWorkerThatHasDoneNothingYetIsLeftAlone) {
  RunPlan plan{{ChannelSpec{}}, {-1, 0}, {0, 0}, 100, false};
  plan.lifetimes = {{std::chrono::seconds(10), false}};
  DrivenRun run(plan);
  run.tell(NodeReady{1});
  run.make_ready({1});
  run.now = std::chrono::seconds(100);
  EXPECT_EQ(run.control.deadline(), std::nullopt);
  run.tell(Tick{});
  EXPECT_FALSE(run.control.roles().draining(1));
  run.tell(Taken{1, 1, 0});
  EXPECT_TRUE(run.control.roles().draining(1)) << "it is old, and has worked";
}

TEST(Lifetimes, AWorkerWhoseFilesBearItsNumberIsSetUpAgainWithAnother) {
  auto run = two_mortals(true);
  run.now = std::chrono::seconds(10);
  run.tell(Finished{1, 1, 0, 0, true, {{0, -1}}});
  EXPECT_EQ(run.deliver(1, 2, 1), (Commands{Retire{1}}));
  EXPECT_EQ(run.tell(Left{1}), (Commands{Assign{1, 0, 2, 3, false, true}}));
}

TEST(Lifetimes, OtherStagesCannotHaveTheLastWorkerWhileItIsAway) {
  auto plan = two_stages(100);
  plan.lifetimes = {{std::chrono::seconds(10), false}, {}};
  DrivenRun run(plan);
  run.tell(NodeReady{1});
  run.make_ready({1, 2, 3});
  run.process(1, 1, 0);
  run.now = std::chrono::seconds(10);
  run.tell(Taken{1, 2, 0});
  EXPECT_EQ(run.tell(Finished{1, 2, 0, 0, false, {}}), (Commands{Retire{1}}));
  EXPECT_EQ(run.control.reassign({-1, 1, 1, 1, -1}, run.now), Commands{});
  EXPECT_EQ(run.tell(Left{1}), (Commands{Assign{1, 0, 0, 1, false, false}}));
}

TEST(Lifetimes, BeginAgainWithTheRun) {
  auto run = two_mortals(false);
  run.control.begin_again({-1, -1, 0}, {});
  run.now = std::chrono::seconds(20);
  run.control.start(run.now);
  EXPECT_EQ(run.control.deadline(), std::nullopt);
  EXPECT_NO_THROW(run.tell(Tick{})) << "rank 1, which is gone, is not too old";
  run.make_ready({2});
  run.tell(Taken{2, 1, 0});
  EXPECT_EQ(run.control.deadline(), Time(std::chrono::seconds(30)));
}

TEST(Lifetimes, AWorkerWhoseStageEndsWhileItIsAwayCanHelpTheNext) {
  auto plan = two_stages(2);
  plan.lifetimes = {{std::chrono::seconds(10), false}, {}};
  DrivenRun run(plan);
  run.tell(NodeReady{1});
  run.tell(NodeReady{2});
  run.make_ready({1, 2});
  run.process(1, 1, 1);
  run.now = std::chrono::seconds(10);
  run.tell(Taken{2, 1, 0});
  EXPECT_EQ(run.process(1, 2, 0), (Commands{Retire{1}}));
  run.control.reassign({-1, 1, 1, 1, -1}, run.now);
  EXPECT_EQ(run.tell(Left{1}), (Commands{Assign{1, 1, 2, 3, false, true}}));
}

TEST(Lifetimes, AWorkerThatIsAwayWhenItsStageEndsDoesNotComeBack) {
  RunPlan plan{{ChannelSpec{}}, {-1, 0}, {0, 0}, 1, false};
  plan.lifetimes = {{std::chrono::seconds(10), false}};
  DrivenRun run(plan);
  run.tell(NodeReady{1});
  run.make_ready({1});
  run.now = std::chrono::seconds(10);
  EXPECT_EQ(run.deliver(1, 1, 0), (Commands{Retire{1}}));
  EXPECT_EQ(run.tell(Left{1}), Commands{});
  EXPECT_TRUE(run.control.finished());
}

}  // namespace
}  // namespace sluice::control
