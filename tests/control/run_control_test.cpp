#include "control/run_control.hpp"

#include "control/bench.hpp"
#include "control/driven_run.hpp"

#include <sluice/error.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <utility>
#include <vector>

namespace sluice::control {
namespace {

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

}  // namespace
}  // namespace sluice::control
