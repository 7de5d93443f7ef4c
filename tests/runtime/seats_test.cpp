#include "runtime/seats.hpp"

#include <sluice/sluice.hpp>

#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace sluice::runtime {
namespace {

using Cores = Seats::Cores;

TEST(Seats, WorkersGetCoresOfTheirOwnWhileThereAreEnough) {
  Seats seats;
  for (const int rank : {1, 2, 3}) seats.add(rank, 0, {{0, 1, 2, 3}, {}, 0});
  EXPECT_EQ(seats.take(1, 2), (Cores{0, 1}));
  EXPECT_EQ(seats.take(2, 1.5), (Cores{2, 3}));
  EXPECT_EQ(seats.take(3, 1), std::nullopt) << "stays where the launcher put it";
}

TEST(Seats, NodesHaveTheirOwnCores) {
  Seats seats;
  seats.add(1, 0, {{0, 1}, {}, 0});
  seats.add(2, 1, {{0, 1}, {}, 0});
  EXPECT_EQ(seats.take(1, 1), (Cores{0}));
  EXPECT_EQ(seats.take(2, 1), (Cores{0}));
}

TEST(Seats, ARankNeverLeavesTheCoresThatItsLauncherGaveIt) {
  Seats seats;
  seats.add(1, 0, {{4, 5}, {}, 0});
  seats.add(2, 0, {{6}, {}, 0});
  EXPECT_EQ(seats.take(1, 4), std::nullopt) << "fewer than it asks for";
  EXPECT_EQ(seats.take(2, 1), std::nullopt) << "bound already";
}

TEST(Seats, AShareOfACoreIsNotBound) {
  Seats seats;
  seats.add(1, 0, {{0, 1}, {}, 0});
  EXPECT_EQ(seats.take(1, 0.5), std::nullopt);
}

TEST(Seats, WhereRanksOutnumberCoresNobodyIsBound) {
  Seats seats;
  for (const int rank : {1, 2, 3}) seats.add(rank, 0, {{0, 1}, {}, 0});
  EXPECT_EQ(seats.take(1, 1), std::nullopt);
}

TEST(Seats, WhatARankLeavesIsFree) {
  Seats seats;
  for (const int rank : {1, 2}) seats.add(rank, 0, {{0, 1, 2}, {}, 0});
  EXPECT_EQ(seats.take(1, 2), (Cores{0, 1}));
  EXPECT_EQ(seats.take(1, 0.5), (Cores{0, 1, 2})) << "back to all that the launcher gave";
  EXPECT_EQ(seats.take(2, 2), (Cores{0, 1}));
}

TEST(Seats, WhatAllLeaveIsFreeForWhoComesFirst) {
  Seats seats;
  for (const int rank : {1, 2}) seats.add(rank, 0, {{0, 1, 2}, {}, 0});
  EXPECT_EQ(seats.take(1, 1), (Cores{0}));
  EXPECT_EQ(seats.take(2, 1), (Cores{1}));
  seats.free_all();
  EXPECT_EQ(seats.take(2, 2), (Cores{0, 1})) << "rank 1 sits there no more";
  EXPECT_EQ(seats.take(1, 1), (Cores{2})) << "and takes nothing of rank 2's along";
}

// A worker tells on which cpus it may run.
struct Whereabouts : Stage<int, std::vector<int>> {
  void process(Batch<int>& batch, Emitter<std::vector<int>>& out) override {
    cpu_set_t set;
    ::sched_getaffinity(0, sizeof set, &set);
    std::vector<int> cpus;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    }
    for (std::size_t i = 0; i < batch.size(); ++i) out.emit(i, cpus);
  }
};

TEST(Seats, WorkersOfARunSitOnTheirCores) {
  const auto cores = this_machine().cores.size();
  const auto threads_of_a_core = std::max(1U, std::thread::hardware_concurrency()) / cores;
  const auto pipeline = Pipeline<int>("seats").then(
      Whereabouts{}, {.name = "where", .cpus = 1, .memory = 1, .workers = cores});
  PipelineSpec spec(pipeline, std::vector<int>(40 * cores));
  spec.collect = true;
  spec.options.workers = cores;
  const auto outputs = run_pipeline(spec).outputs;
  ASSERT_EQ(outputs.size(), 40 * cores);
  for (const auto& cpus : outputs) EXPECT_EQ(cpus.size(), threads_of_a_core) << cores << " cores";
}

}  // namespace
}  // namespace sluice::runtime
