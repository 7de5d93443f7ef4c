// Who has which GPUs, while roles change.
#include "control/gpu_seats.hpp"

#include "control/gpu_world.hpp"

#include <sluice/error.hpp>

#include <gmock/gmock.h>

#include <utility>

namespace sluice::control {
namespace {

using world::demand_gpus;
using World = world::GpuWorld;

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Where = GpuSeats::Where;

// All ranks, from 1 on, on one node, where each sees all GPUs.
GpuSeats one_node(const std::vector<double>& gpus_of_stage, std::size_t ranks, std::uint32_t gpus) {
  Gpus all;
  for (std::uint32_t i = 0; i < gpus; ++i) all.push_back(i);
  return {gpus_of_stage, std::vector<int>(ranks + 1, 0), std::vector<Gpus>(ranks + 1, all)};
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
  for (const auto each : gpus) stages.push_back(demand_gpus(each, 1));
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

// In millionths a sixth is not whole.
TEST(GpuSeats, EqualPartsOfAGpuAllFit) {
  for (int parts = 2; parts <= 64; ++parts) {
    const auto stage = demand_gpus(1.0 / parts, static_cast<std::uint64_t>(parts));
    const auto workers = static_cast<std::uint64_t>(parts);
    Topology topology;
    topology.nodes = {{"n", 64, 1, 0, workers}};
    EXPECT_EQ(make_plan({stage}, topology).stages[0].workers, workers) << parts;
    auto seats = one_node({stage.gpus}, workers, 1);
    for (int rank = 1; rank <= parts; ++rank) {
      EXPECT_TRUE(seats.take({{rank}, 0}, Where::anywhere)) << rank << " of " << parts;
    }
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
