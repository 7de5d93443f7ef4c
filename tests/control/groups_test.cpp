// Which ranks work together: groups of one plan, and groups while roles change.
#include "control/groups.hpp"

#include "control/bench.hpp"
#include "control/cast.hpp"
#include "control/plan.hpp"
#include "control/recovery.hpp"
#include "control/roles.hpp"

#include <sluice/error.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace sluice::control {
namespace {

using Ranks = std::vector<Rank>;

/// A machine of a few nodes, and stages of which some are groups.
struct World {
  Topology topology;
  std::vector<StageDemand> stages;
  std::vector<int> node_of_rank{0};

  explicit World(std::mt19937_64& random) {
    const auto below = [&](std::uint64_t n) { return random() % n; };
    for (std::uint64_t n = 1 + below(5); n > 0; --n) {
      Node node{"n" + std::to_string(n), static_cast<double>(1 + below(16)), below(5), 0, {}};
      node.workers = 1 + below(9);
      for (std::uint64_t r = 0; r < *node.workers; ++r) {
        node_of_rank.push_back(static_cast<int>(topology.nodes.size()));
      }
      topology.nodes.push_back(node);
    }
    for (std::uint64_t k = 1 + below(4); k > 0; --k) {
      StageDemand stage;
      stage.name = "s" + std::to_string(k);
      stage.speed = 1 + static_cast<double>(below(100));
      stage.cpus = below(2) == 0 ? 0.5 : 1;
      stage.gpus = below(4) == 0 ? 1 : 0;
      stage.group = below(2) == 0 ? 1 : 2 + below(5);
      stages.push_back(stage);
    }
    std::shuffle(node_of_rank.begin() + 1, node_of_rank.end(), random);
  }

  std::set<int> nodes_of(const Group& group) const {
    std::set<int> nodes;
    for (const Rank rank : group) nodes.insert(node_of_rank[static_cast<std::size_t>(rank)]);
    return nodes;
  }
  /// Whether a node, if it were empty, could hold the whole group.
  bool fits_a_node(const StageDemand& stage) const {
    return std::any_of(topology.nodes.begin(), topology.nodes.end(), [&](const Node& node) {
      const auto ranks = static_cast<double>(stage.group);
      return *node.workers >= stage.group && node.cpus >= ranks * stage.cpus &&
             static_cast<double>(node.gpus) >= ranks * stage.gpus;
    });
  }
};

/// Every stage has all its ranks in whole groups, which are in one node where a node has room.
void expect_whole(const World& world, const Plan& plan, const std::vector<int>& stage_of_rank,
                  const Ranks& primaries) {
  std::vector<std::uint64_t> workers(world.stages.size(), 0);
  for (const auto& group : groups_of(primaries)) {
    if (group.empty()) continue;
    const auto stage = static_cast<std::size_t>(stage_of_rank[static_cast<std::size_t>(group[0])]);
    ++workers[stage];
    ASSERT_EQ(group.size(), world.stages[stage].group);
    const bool must_fit = world.fits_a_node(world.stages[stage]);
    ASSERT_TRUE(!must_fit || world.nodes_of(group).size() == 1);
  }
  for (std::size_t k = 0; k < workers.size(); ++k) ASSERT_EQ(workers[k], plan.stages[k].workers);
  for (std::size_t rank = 1; rank < primaries.size(); ++rank) {
    ASSERT_EQ(primaries[rank] < 0, stage_of_rank[rank] < 0) << "rank " << rank << " is left over";
  }
}

// How many of the worlds were large enough for a plan.
int plan_all(std::uint64_t first, std::uint64_t last) {
  int planned = 0;
  for (std::uint64_t seed = first; seed < last; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const World world(random);
    Plan plan;
    try {
      plan = make_plan(world.stages, world.topology);
    } catch (const LaunchError&) {
      continue;  // too small a machine
    }
    ++planned;
    const auto stages = assign_ranks(plan, world.node_of_rank);
    const auto primaries = form_groups(stages, world.node_of_rank, group_sizes(world.stages));
    expect_whole(world, plan, stages, primaries);
    // Other speeds, another plan: groups move as a whole, or stay as they are.
    auto other = world;
    for (auto& stage : other.stages) stage.speed = 1 + static_cast<double>(random() % 100);
    const auto next = make_plan(other.stages, other.topology, &plan);
    const auto after = assign_ranks(next, world.node_of_rank, stages, primaries);
    const auto regrouped =
        form_groups(after, world.node_of_rank, group_sizes(world.stages), primaries);
    expect_whole(other, next, after, regrouped);
    if (::testing::Test::HasFatalFailure()) break;
  }
  return planned;
}

TEST(Groups, ArePlannedWholeAndWithinANodeThatHasRoom) { EXPECT_GT(plan_all(0, 40), 12); }

TEST(GroupsSoak, ArePlannedWholeAndWithinANodeThatHasRoom) { EXPECT_GT(plan_all(40, 4000), 1000); }

TEST(Groups, SpanAsFewNodesAsTheyCan) {
  // Nodes with 3, 2 and 1 ranks: a group of 5 needs the two larger ones.
  EXPECT_EQ(form_groups({-1, 0, 0, 0, 0, 0, 0}, {0, 0, 1, 2, 1, 2, 2}, {5}),
            (Ranks{-1, -1, 2, 2, 2, 2, 2}));
}

TEST(Groups, KeepTheirRanksWhenOthersGo) {
  // Two groups of two on one node, in an order that numbers would not give.
  const Ranks before{-1, 1, 2, 1, 2};
  EXPECT_EQ(form_groups({-1, 0, 0, 0, 0}, {0, 0, 0, 0, 0}, {2}, before), before);
  Plan plan;
  plan.stages.resize(2);
  plan.stages[0].shares = {{0, 1, 2, {}}};
  plan.stages[1].shares = {{0, 2, 2, {}}};
  EXPECT_EQ(assign_ranks(plan, {0, 0, 0, 0, 0}, {-1, 0, 0, 0, 0}, before),
            (std::vector<int>{-1, 0, 1, 0, 1}));
}

TEST(Groups, OfALostRankAreLostAsAWhole) {
  StageDemand single{"a"};
  StageDemand pair{"b"};
  pair.group = 2;
  Topology left;
  left.nodes = {{"n", 16, 0, 0, 5}};
  const auto stages = stages_after_loss({single, pair}, left, {0, 0, 0, 0, 0, 0, 0},
                                        {-1, 0, 1, 1, 1, 1, -1}, {3}, {-1, 1, 2, 2, 4, 4, -1});
  EXPECT_EQ(stages, (std::vector<int>{-1, 0, -1, -1, 1, 1, -1}));
}

TEST(Groups, JoinTogetherAndThePrimaryIsTheWorker) {
  Cast cast({-1, 0, 1, 1}, {0, 0, 0, 0}, {1, 2}, 1);
  cast.run_out();
  EXPECT_EQ(cast.places().at(3).group, (Group{2, 3}));
  EXPECT_EQ(cast.roles.workers_of(1), 1u);
  EXPECT_EQ(cast.roles.ready_in(1), 1u);
  EXPECT_EQ(cast.roles.destinations(), (std::vector<int>{-1, 0, 1, 1}));
  EXPECT_EQ(cast.roles.primaries(), (Ranks{-1, 1, 2, 2}));
  EXPECT_TRUE(cast.roles.settled());
}

TEST(Groups, BeginWhenTheirLastRankIsFree) {
  Cast cast({-1, 0, 1, 1, 0, 0}, {0, 0, 0, 0, 0, 0}, {1, 2}, 1);
  cast.run_out();
  cast.reassign({-1, 0, 1, 1, 1, 1});
  EXPECT_FALSE(cast.roles.settled());
  while (cast.places().contains(4) && cast.places().contains(5)) ASSERT_TRUE(cast.step());
  EXPECT_FALSE(cast.places().contains(4) && cast.places().contains(5)) << "one is not free yet";
  cast.run_out();
  EXPECT_EQ(cast.places().at(5).group, (Group{4, 5}));
  EXPECT_EQ(cast.roles.ready_in(1), 2u);
  EXPECT_TRUE(cast.roles.settled());
}

TEST(Groups, AreRenewedAsAWhole) {
  Cast cast({-1, 0, 1, 1}, {0, 0, 0, 1}, {1, 2}, 1);
  cast.run_out();
  const auto term = cast.places().at(2).term;
  ASSERT_TRUE(cast.roles.renew(2, false));
  Commands commands;
  cast.roles.retire(2, commands);
  EXPECT_EQ(commands, (Commands{Retire{2}}));
  commands.clear();
  cast.roles.left(2, commands);
  EXPECT_EQ(commands, (Commands{Retire{3}})) << "its primary is gone";
  commands.clear();
  cast.roles.left(3, commands);
  EXPECT_EQ(commands, (Commands{Assign{2, 1, 0, 1, false, true, {2, 3}, term + 1},
                                Assign{3, 1, 0, 1, false, true, {2, 3}, term + 1}}));
}

// Whatever roles are wanted, and however often they change their mind: no rank is in two groups,
// none waits for a group that never comes, and each stage goes on.
TEST(Groups, AreNeverThereInPartWhateverRolesChange) {
  for (unsigned seed = 0; seed < 3000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const GroupSizes sizes{1 + random() % 3, 1 + random() % 3, 1 + random() % 3};
    const auto spare = random() % 6;
    std::vector<int> stages{-1};
    for (std::size_t k = 0; k < sizes.size(); ++k) {
      stages.insert(stages.end(), sizes[k] * (1 + random() % 2), static_cast<int>(k));
    }
    stages.insert(stages.end(), spare, -1);
    std::vector<int> nodes{0};
    while (nodes.size() < stages.size()) nodes.push_back(static_cast<int>(random() % 3));
    Cast cast(stages, nodes, sizes, seed);
    for (auto changes = random() % 6; changes > 0; --changes) {
      for (auto steps = random() % 20; steps > 0; --steps) cast.step();
      std::shuffle(stages.begin() + 1, stages.end(), random);
      cast.reassign(stages);
    }
    cast.run_out();
    std::map<std::uint64_t, std::uint64_t> ranks;  // by term
    for (const auto& [rank, place] : cast.places()) {
      if (place.term > 0) ++ranks[place.term];
    }
    for (const auto& [rank, place] : cast.places()) {
      ASSERT_TRUE(place.term == 0 || ranks[place.term] == place.group.size());
    }
    for (std::size_t k = 0; k < sizes.size(); ++k) ASSERT_GE(cast.roles.ready_in(k), 1u);
    const auto destinations = cast.roles.destinations();
    for (std::size_t rank = 1; rank < destinations.size(); ++rank) {
      const bool has_place = cast.places().contains(static_cast<Rank>(rank));
      // A circle of last workers, each of which waits to be relieved by the next, works on.
      ASSERT_TRUE(!cast.roles.settled() || has_place == (destinations[rank] >= 0));
    }
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace sluice::control
