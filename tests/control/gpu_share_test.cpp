#include "control/gpu_share.hpp"
#include "control/plan.hpp"

#include <sluice/error.hpp>

#include <gtest/gtest.h>

namespace sluice::control {
namespace {

constexpr std::uint64_t gib = std::uint64_t{1} << 30U;

Topology nodes(std::uint64_t memory_of_a_gpu) {
  return {{Node{"cpu", 64, 0, 0, {}, 0}, Node{"gpu", 64, 8, 0, {}, memory_of_a_gpu}}};
}

TEST(GpuShare, GrowsWithTheMemoryThatAWorkerNeeds) {
  EXPECT_DOUBLE_EQ(gpu_share("s", 0.25, 10 * gib, nodes(80 * gib)), 0.25);
  EXPECT_DOUBLE_EQ(gpu_share("s", 0.25, 40 * gib, nodes(80 * gib)), 0.5);
  EXPECT_DOUBLE_EQ(gpu_share("s", 0.25, 80 * gib, nodes(80 * gib)), 1.0);
  EXPECT_DOUBLE_EQ(gpu_share("s", 2, 70 * gib, nodes(80 * gib)), 2.0);
  EXPECT_DOUBLE_EQ(gpu_share("s", 0, 0, nodes(80 * gib)), 0.0);
}

TEST(GpuShare, StaysWhereTheMemoryIsNotKnown) {
  EXPECT_DOUBLE_EQ(gpu_share("s", 0.25, 40 * gib, nodes(0)), 0.25);
}

TEST(GpuShare, RefusesWhatNoGpuHolds) {
  EXPECT_THROW(gpu_share("s", 1, 81 * gib, nodes(80 * gib)), LaunchError);
}

TEST(GpuShare, KeepsThePlanWithinTheMemoryOfEachGpu) {
  const auto topology = nodes(80 * gib);
  StageDemand stage;
  stage.name = "embed";
  stage.gpus = 0.1;
  stage.gpu_memory = 30 * gib;
  const auto plan = make_plan(with_gpu_memory({stage}, topology), topology);
  ASSERT_FALSE(plan.stages[0].shares.empty());
  std::vector<std::uint64_t> used(8);
  for (const auto& share : plan.stages[0].shares) {
    for (const auto& gpu : share.gpus) used.at(gpu.gpu) += stage.gpu_memory;
  }
  EXPECT_EQ(plan.stages[0].workers, 16U);
  for (const auto bytes : used) EXPECT_LE(bytes, 80 * gib);
}

}  // namespace
}  // namespace sluice::control
