// Ranks that change their stages while a run goes on, and workers that are renewed.
#include "control/bench.hpp"
#include "control/driven_run.hpp"

#include <sluice/error.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <utility>
#include <vector>

namespace sluice::control {
namespace {

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

// Rank 1 was to relieve rank 2, and is renewed instead.
TEST(RoleChanges, AWorkerWhoseReliefIsRenewedStays) {
  Roles roles(3, {-1, 0, 1, 2, -1}, {0, 0, 0, 0, 0}, true);
  Commands commands;
  roles.start(commands);
  for (const Rank rank : {1, 2, 3}) roles.node_ready(rank, commands);
  for (const Rank rank : {1, 2, 3}) roles.worker_ready(rank);
  roles.reassign({-1, 1, 2, 2, 0}, commands);
  EXPECT_EQ(roles.destinations(), (std::vector<int>{-1, 1, 2, 2, 0}));
  EXPECT_TRUE(roles.renew(1, false));
  EXPECT_EQ(roles.destinations(), (std::vector<int>{-1, 0, 1, 2, 0}));
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
  run.tell(Declined{1, 1, 2});
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
