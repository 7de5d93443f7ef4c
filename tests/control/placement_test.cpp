#include "control/planning.hpp"
#include "control/random.hpp"

#include <sluice/error.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice::control {
namespace {

StageDemand unpinned() { return {"any"}; }
StageDemand pinned(std::uint64_t workers) { return {"pinned", {}, workers}; }
StageDemand per_node(std::uint64_t workers) { return {"pinned", {}, {}, workers}; }

std::vector<int> place(const std::vector<StageDemand>& stages, const std::vector<int>& node_of) {
  return assign_ranks(make_plan(stages, world::ranks_on(node_of)), node_of);
}

std::uint64_t count(const std::vector<int>& stage_of, const std::vector<int>& node_of, int stage,
                    int node) {
  std::uint64_t found = 0;
  for (std::size_t rank = 0; rank < stage_of.size(); ++rank) {
    if (stage_of[rank] == stage && node_of[rank] == node) ++found;
  }
  return found;
}

TEST(Placement, GivesEveryStageItsWorkersAndTheCoordinatorNone) {
  const auto stage_of = place({pinned(3), unpinned()}, std::vector<int>(5, 0));
  EXPECT_EQ(stage_of[0], -1);
  EXPECT_EQ(std::count(stage_of.begin(), stage_of.end(), 0), 3);
  EXPECT_EQ(std::count(stage_of.begin(), stage_of.end(), 1), 1);
}

TEST(Placement, LeavesOverWhatIsNotAllocated) {
  const auto stage_of = place({pinned(2)}, std::vector<int>(6, 0));
  EXPECT_EQ(std::count(stage_of.begin(), stage_of.end(), -1), 4);
}

TEST(Placement, PinsHoldOnEveryNode) {
  const std::vector<int> node_of{0, 0, 0, 0, 1, 1, 1, 2, 2, 2};
  const auto stage_of = place({pinned(2), per_node(2), pinned(1)}, node_of);
  for (const int node : {0, 1, 2}) EXPECT_EQ(count(stage_of, node_of, 1, node), 2u) << node;
  EXPECT_EQ(std::count(stage_of.begin(), stage_of.end(), 0), 2);
  EXPECT_EQ(std::count(stage_of.begin(), stage_of.end(), 2), 1);
  EXPECT_EQ(stage_of[0], -1) << "the coordinator";
}

TEST(Placement, TwoStagesMayBePinnedPerNode) {
  const std::vector<int> node_of{0, 0, 1, 0, 1, 0, 1};
  const auto stage_of = place({per_node(1), per_node(2)}, node_of);
  for (const int node : {0, 1}) {
    EXPECT_EQ(count(stage_of, node_of, 0, node), 1u) << node;
    EXPECT_EQ(count(stage_of, node_of, 1, node), 2u) << node;
  }
  EXPECT_EQ(stage_of[0], -1) << "the coordinator";
}

TEST(Placement, ANodeTooSmallForAPinIsNamed) {
  const std::vector<int> node_of{0, 0, 0, 0, 0, 1};
  try {
    place({unpinned(), per_node(2)}, node_of);
    FAIL();
  } catch (const LaunchError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("'pinned' asks for 2 workers on every node"), std::string::npos) << text;
  }
}

TEST(Placement, EveryNodeHoldsItsShareOfEachStage) {
  world::Random random(3);
  for (int trial = 0; trial < 500; ++trial) {
    const auto nodes = random.between(1, 4);
    const auto ranks_a_node = random.between(4, 12);
    std::vector<int> node_of{0};
    for (std::uint64_t node = 0; node < nodes; ++node) {
      node_of.insert(node_of.end(), ranks_a_node, static_cast<int>(node));
    }
    std::vector<StageDemand> stages(random.between(1, 4), unpinned());
    const auto counts = world::workers_of(make_plan(stages, world::ranks_on(node_of)));
    const auto stage_of = place(stages, node_of);
    for (std::size_t stage = 0; stage < stages.size(); ++stage) {
      const double share = static_cast<double>(counts[stage]) / static_cast<double>(nodes);
      for (std::uint64_t node = 0; node < nodes; ++node) {
        const auto here = count(stage_of, node_of, static_cast<int>(stage), static_cast<int>(node));
        EXPECT_LT(std::abs(static_cast<double>(here) - share), 1.5) << trial;
      }
    }
  }
}

}  // namespace
}  // namespace sluice::control
