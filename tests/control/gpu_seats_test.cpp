// Who has which GPUs, while roles change.
#include "control/gpu_seats.hpp"

#include "control/bench.hpp"
#include "control/cast.hpp"
#include "control/random.hpp"
#include "control/role_change.hpp"

#include <sluice/error.hpp>

#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace sluice::control {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Where = GpuSeats::Where;

// All ranks, from 1 on, on one node, where each sees all GPUs.
GpuSeats one_node(const std::vector<double>& gpus_of_stage, std::size_t ranks, std::uint32_t gpus) {
  Gpus all;
  for (std::uint32_t i = 0; i < gpus; ++i) all.push_back(i);
  return {gpus_of_stage, std::vector<int>(ranks + 1, 0), std::vector<Gpus>(ranks + 1, all)};
}

StageDemand demand(double gpus, std::optional<std::uint64_t> workers = {}) {
  StageDemand stage;
  stage.name = "s";
  stage.cpus = 0;
  stage.gpus = gpus;
  stage.workers = workers;
  return stage;
}

TEST(GpuSeats, AWholeGpuIsNotGivenAwayBeforeItIsFree) {
  auto seats = one_node({1}, 2, 1);
  EXPECT_TRUE(seats.take({{1}, 0}, Where::anywhere));
  EXPECT_FALSE(seats.take({{2}, 0}, Where::anywhere));
  seats.free(1);
  EXPECT_TRUE(seats.take({{2}, 0}, Where::anywhere));
  EXPECT_THAT(seats.of(2), ElementsAre(0));
  EXPECT_THAT(seats.of(1), IsEmpty());
}

// In this order best fit puts 0.4 and 0.5 on one GPU, and then 0.6 finds no room.
TEST(GpuSeats, WorkersSitWhereThePlanFoundRoomForThem) {
  const std::vector<double> gpus{0.4, 0.5, 0.5, 0.6};
  std::vector<StageDemand> stages;
  for (const auto each : gpus) stages.push_back(demand(each, 1));
  Topology topology;
  topology.nodes = {{"n", 4, 2, 0, 4}};
  auto seats = one_node(gpus, 4, 2);
  std::vector<GpuSeats::Worker> workers{{{1}, 0}, {{2}, 1}, {{3}, 2}, {{4}, 3}};
  auto without_plan = seats;
  for (const auto& each : workers) without_plan.take(each, Where::anywhere);
  EXPECT_THAT(without_plan.of(4), IsEmpty());
  seats.plan(gpu_places(make_plan(stages, topology), stages));
  EXPECT_THAT(seats.take_all(workers), IsEmpty());
  EXPECT_EQ(seats.of(1), seats.of(4));
  EXPECT_EQ(seats.of(2), seats.of(3));
}

TEST(GpuSeats, TenTenthsAreOneGpu) {
  auto seats = one_node({0.1}, 11, 2);
  for (int rank = 1; rank <= 11; ++rank) {
    EXPECT_TRUE(seats.take({{rank}, 0}, Where::anywhere));
    EXPECT_THAT(seats.of(rank), ElementsAre(rank <= 10 ? 0u : 1u));
  }
}

TEST(GpuSeats, ARankGetsOnlyWhatItSees) {
  GpuSeats seats({1, 2}, {0, 0, 0, 1, 1}, {{}, {0, 1}, {1}, {1}, {}});
  EXPECT_THAT(seats.take_all({{{1}, 0}, {{2}, 0}, {{3}, 0}}), IsEmpty());
  EXPECT_THAT(seats.of(2), ElementsAre(1));
  EXPECT_THAT(seats.of(1), ElementsAre(0)) << "the other has no choice";
  EXPECT_THAT(seats.of(3), ElementsAre(1)) << "of another node";
  EXPECT_FALSE(seats.take({{4}, 0}, Where::anywhere));
}

TEST(GpuSeats, OfAGroupAllAreSeatedOrNone) {
  auto seats = one_node({1, 1}, 4, 2);
  EXPECT_TRUE(seats.take({{1}, 0}, Where::anywhere));
  EXPECT_FALSE(seats.take({{2, 3}, 1}, Where::anywhere));
  EXPECT_THAT(seats.of(2), IsEmpty());
  seats.free(1);
  EXPECT_TRUE(seats.take({{2, 3}, 1}, Where::anywhere));
}

TEST(Seating, AWorkerWaitsUntilWhoeverHasItsGpuHasLeft) {
  auto seats = one_node({0, 1}, 3, 1);
  Roles roles(2, {-1, 0, 1, -1}, {0, 0, 0, 0}, true, {}, std::move(seats));
  Commands commands;
  roles.start(commands);
  EXPECT_THAT(commands, ElementsAre(Command(Assign{1, 0, 0, 1, true, false}),
                                    Command(Assign{2, 1, 0, 1, true, true, {}, 0, {0}})));
  for (const Rank rank : {1, 2}) roles.node_ready(rank, commands);
  for (const Rank rank : {1, 2}) roles.worker_ready(rank);
  commands.clear();
  EXPECT_THAT(roles.reassign({-1, 0, 0, 1}, commands), IsEmpty());
  EXPECT_THAT(commands, IsEmpty()) << "neither can go first";
  EXPECT_EQ(roles.destinations(), (std::vector<int>{-1, 0, 1, -1}));
}

/// A machine with GPUs, stages that share them, and a plan that changes.
struct World {
  explicit World(std::uint64_t seed) : random(seed) {
    const auto node_count = random.between(1, 2);
    node_of_rank = {0};
    for (std::uint64_t n = 0; n < node_count; ++n) {
      const auto ranks = random.between(2, 7);
      topology.nodes.push_back({"n", 64, random.between(1, 3), 0, ranks});
      node_of_rank.insert(node_of_rank.end(), ranks, static_cast<int>(n));
    }
    for (auto k = random.between(2, 5); k > 0; --k) {
      stages.push_back(demand(random.pick({0.0, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 1.0, 2.0})));
      stages.back().group = random.chance(0.2) ? 2 : 1;
    }
    for (const auto& stage : stages) sizes.push_back(stage.group);
  }

  /// Some workers stay where they are, or none does, and others come wherever there is room, as far
  /// as there are ranks. False if a stage has none then.
  bool replan() {
    std::vector<std::vector<double>> room;
    std::vector<std::uint64_t> ranks;
    for (const auto& node : topology.nodes) {
      room.emplace_back(node.gpus, 1.0);
      ranks.push_back(*node.workers);
    }
    Plan next;
    next.stages.resize(stages.size());
    if (plan && random.chance(0.5)) keep_some(*plan, next, room, ranks);
    for (int tries = 0; tries < 40; ++tries) {
      const auto k = tries < 20 ? static_cast<std::size_t>(tries) % stages.size()
                                : random.between(0, stages.size() - 1);
      add(next.stages[k], stages[k], random.between(0, room.size() - 1), room, ranks);
    }
    const auto empty = [](const StagePlan& stage) { return stage.workers == 0; };
    if (std::any_of(next.stages.begin(), next.stages.end(), empty)) return false;
    plan = next;
    return true;
  }
  GpuSeats seats() {
    std::vector<double> gpus;
    for (const auto& stage : stages) gpus.push_back(stage.gpus);
    std::vector<Gpus> visible;
    for (const int node : node_of_rank) {
      auto& all = visible.emplace_back();
      for (std::uint32_t i = 0; i < topology.nodes[static_cast<std::size_t>(node)].gpus; ++i) {
        all.push_back(i);
      }
    }
    GpuSeats result(gpus, node_of_rank, visible);
    result.plan(gpu_places(*plan, stages));
    return result;
  }
  void expect_nothing_given_twice(const Cast& cast) const {
    std::map<std::pair<int, std::uint32_t>, double> loads;
    for (const auto& [rank, place] : cast.places()) {
      const auto gpus = stages[place.stage].gpus;
      ASSERT_EQ(place.gpus.size(), static_cast<std::size_t>(std::ceil(gpus)));
      const int node = node_of_rank[static_cast<std::size_t>(rank)];
      for (const auto gpu : place.gpus) loads[{node, gpu}] += std::min(gpus, 1.0);
    }
    for (const auto& [gpu, load] : loads) {
      ASSERT_LE(load, 1 + 1e-5) << "GPU " << gpu.second << " of node " << gpu.first;
    }
  }
  void expect_all_seated(const Cast& cast, const std::vector<int>& wanted) const {
    for (std::size_t rank = 1; rank < wanted.size(); ++rank) {
      const auto place = cast.places().find(static_cast<Rank>(rank));
      const bool has_place = place != cast.places().end();
      ASSERT_EQ(has_place ? static_cast<int>(place->second.stage) : -1, wanted[rank]) << rank;
    }
  }
  bool can_be(const Cast& cast, const std::vector<int>& wanted) const {
    const auto from = cast.roles.destinations();
    const auto before = cast.roles.primaries();
    const auto after = form_groups(wanted, node_of_rank, sizes, before);
    const RoleChange change{from, wanted, before, after, groups_of(after)};
    std::vector<bool> goes_on(stages.size(), false);
    for (std::size_t rank = 1; rank < wanted.size(); ++rank) {
      const auto moves = [&](std::size_t each) { return change.moves(each); };
      if (change.groups_after[rank].empty() || change.any_of_group(rank, moves)) continue;
      goes_on[static_cast<std::size_t>(wanted[rank])] = true;
    }
    auto seats = cast.roles.seats();
    seats.plan(gpu_places(*plan, stages));
    return can_be_carried_out(change, goes_on, std::move(seats));
  }

  using Room = std::vector<std::vector<double>>;

  static Share& share_of(StagePlan& stage, std::size_t node) {
    for (auto& share : stage.shares) {
      if (share.node == node) return share;
    }
    return stage.shares.emplace_back(Share{node});
  }
  void put(StagePlan& stage, const StageDemand& asks, std::size_t node,
           const std::vector<GpuShare>& gpus, Room& room, std::vector<std::uint64_t>& ranks) const {
    auto& share = share_of(stage, node);
    for (const auto& each : gpus) {
      room[node][each.gpu] -= each.share;
      share.gpus.push_back(each);
    }
    ++stage.workers;
    ++share.workers;
    share.ranks += asks.group;
    ranks[node] -= asks.group;
  }
  void add(StagePlan& stage, const StageDemand& asks, std::size_t node, Room& room,
           std::vector<std::uint64_t>& ranks) {
    if (ranks[node] < asks.group) return;
    auto left = room[node];
    std::vector<GpuShare> gpus;
    for (std::uint64_t rank = 0; rank < asks.group; ++rank) {
      std::set<std::uint64_t> own;
      for (double i = 0; i < std::ceil(asks.gpus); ++i) {
        const auto start = random.next();
        bool found = false;
        for (std::uint64_t j = 0; j < left.size() && !found; ++j) {
          const auto gpu = (start + j) % left.size();
          found = left[gpu] + 1e-6 >= std::min(asks.gpus, 1.0) && own.insert(gpu).second;
          if (!found) continue;
          gpus.push_back({gpu, std::min(asks.gpus, 1.0)});
          left[gpu] -= gpus.back().share;
        }
        if (!found) return;
      }
    }
    put(stage, asks, node, gpus, room, ranks);
  }
  void keep_some(const Plan& from, Plan& to, Room& room, std::vector<std::uint64_t>& ranks) {
    for (std::size_t k = 0; k < stages.size(); ++k) {
      for (const auto& share : from.stages[k].shares) {
        const auto each = share.gpus.size() / share.workers;
        for (std::uint64_t i = 0; i < share.workers; ++i) {
          if (random.chance(0.3)) continue;
          const auto first = share.gpus.begin() + static_cast<std::ptrdiff_t>(i * each);
          put(to.stages[k], stages[k], share.node,
              {first, first + static_cast<std::ptrdiff_t>(each)}, room, ranks);
        }
      }
    }
  }

  world::Random random;
  Topology topology;
  std::vector<int> node_of_rank;
  std::vector<StageDemand> stages;
  GroupSizes sizes;
  std::optional<Plan> plan;
};

// The plan changes, and ranks do as they are told in any order: what can be carried out is carried
// out, and at no time is a GPU given away twice.
TEST(Seating, EverybodyIsSeatedInTheEndAndNoGpuIsEverGivenTwice) {
  int changes = 0;
  for (unsigned seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed);
    if (!world.replan()) continue;
    auto stages = assign_ranks(*world.plan, world.node_of_rank);
    Cast cast(stages, world.node_of_rank, world.sizes, seed, world.seats());
    for (int round = 0; round < 5; ++round) {
      do {
        world.expect_nothing_given_twice(cast);
      } while (cast.step());
      world.expect_all_seated(cast, stages);
      ASSERT_TRUE(cast.roles.settled());
      const auto before = world.plan;
      if (!world.replan()) continue;
      const auto wanted =
          assign_ranks(*world.plan, world.node_of_rank, stages, cast.roles.primaries());
      if (!world.can_be(cast, wanted)) {
        world.plan = before;
        continue;
      }
      changes += wanted != stages;
      stages = wanted;
      cast.reassign(stages, gpu_places(*world.plan, world.stages));
      if (::testing::Test::HasFailure()) return;
    }
  }
  EXPECT_GT(changes, 1000);
}

// Roles that nobody has planned, changed in the middle of changes, and a run that begins again:
// some find no room, but all others go on, and nobody waits for ever.
TEST(Seating, NobodyWaitsForEverWhateverRolesChange) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed);
    if (!world.replan()) continue;
    auto stages = assign_ranks(*world.plan, world.node_of_rank);
    Cast cast(stages, world.node_of_rank, world.sizes, seed, world.seats());
    for (int round = 0; round < 6; ++round) {
      for (auto steps = world.random.between(0, 20); steps > 0 && cast.step(); --steps) {
        world.expect_nothing_given_twice(cast);
      }
      if (round == 4) {
        stages = assign_ranks(*world.plan, world.node_of_rank);
        cast.begin_again(stages, gpu_places(*world.plan, world.stages));
      } else {
        for (auto i = stages.size() - 1; i > 1; --i) {
          std::swap(stages[i], stages[world.random.between(1, i)]);
        }
        cast.reassign(stages);
      }
      world.expect_nothing_given_twice(cast);
      if (::testing::Test::HasFailure()) return;
    }
    do {
      world.expect_nothing_given_twice(cast);
    } while (cast.step());
    for (std::size_t k = 0; k < world.stages.size(); ++k) {
      ASSERT_GE(cast.roles.ready_in(k), 1u) << k;
    }
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace sluice::control
