#include "control/batch_plan.hpp"

#include <sluice/error.hpp>

#include <gtest/gtest.h>

namespace sluice::control {
namespace {

Topology nodes(std::size_t count, double cpus, std::uint64_t gpus) {
  Topology topology;
  for (std::size_t i = 0; i < count; ++i) {
    topology.nodes.push_back({"n" + std::to_string(i), cpus, gpus});
  }
  return topology;
}

StageDemand stage(double speed, double cpus, double gpus, double selectivity) {
  StageDemand demand{"s", speed};
  demand.cpus = cpus;
  demand.gpus = gpus;
  demand.selectivity = selectivity;
  return demand;
}

// Times add up: 2 records of the second stage for each input, and so on.
TEST(BatchPlan, EveryStageHasAllNodesAndTheirTimesAddUp) {
  const std::vector<StageDemand> stages{stage(10, 1, 0, 2), stage(1, 2, 1, 0.5), stage(4, 4, 0, 1)};
  const auto plan = make_batch_plan(stages, nodes(2, 8, 2));
  EXPECT_EQ(plan.stages[0].workers, 16u);
  EXPECT_EQ(plan.stages[1].workers, 4u);
  EXPECT_EQ(plan.stages[2].workers, 4u);
  const double first = 1 / (10.0 * 16);
  const double second = 2 / (1.0 * 4);
  const double third = 1 / (4.0 * 4);
  EXPECT_NEAR(plan.throughput, 1 / (first + second + third), 1e-12);
  EXPECT_EQ(plan.bottleneck, 1u);
  EXPECT_NEAR(plan.stages[2].utilisation, third / (first + second + third), 1e-12);
}

TEST(BatchPlan, WithoutASpeedNothingIsPredicted) {
  std::vector<StageDemand> stages{stage(10, 1, 0, 1), {"unknown"}};
  const auto plan = make_batch_plan(stages, nodes(1, 4, 0));
  EXPECT_EQ(plan.stages[1].workers, 4u);
  EXPECT_EQ(plan.throughput, 0);
}

// Together these two would not fit.
TEST(BatchPlan, PinnedNumbersCountForEachStageAlone) {
  std::vector<StageDemand> stages{stage(10, 4, 0, 1), stage(10, 4, 0, 1)};
  stages[0].workers = 1;
  stages[1].workers = 2;
  const auto plan = make_batch_plan(stages, nodes(1, 8, 0));
  EXPECT_EQ(plan.stages[0].workers, 1u);
  EXPECT_EQ(plan.stages[1].workers, 2u);
  stages[1].workers = 3;
  EXPECT_THROW(make_batch_plan(stages, nodes(1, 8, 0)), LaunchError);
}

}  // namespace
}  // namespace sluice::control
