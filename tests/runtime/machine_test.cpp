#include "runtime/machine.hpp"
#include "runtime/run_topology.hpp"
#include "runtime/variable.hpp"

#include <gmock/gmock.h>
#include <sched.h>

#include <cstdlib>
#include <thread>

namespace sluice::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Machine, HasCoresAndMemory) {
  const auto machine = this_machine();
  EXPECT_GE(machine.cores.size(), 1u);
  EXPECT_GT(machine.memory, std::uint64_t{64} << 20U);
}

// In a process of its own: a process may use all that any of its threads may.
[[noreturn]] void count_cores_bound_to_one() {
  cpu_set_t set;
  ::sched_getaffinity(0, sizeof set, &set);
  int first = 0;
  while (!CPU_ISSET(first, &set)) ++first;
  CPU_ZERO(&set);
  CPU_SET(first, &set);
  ::sched_setaffinity(0, sizeof set, &set);
  std::_Exit(static_cast<int>(this_machine().cores.size()));
}

TEST(Machine, CountsOnlyTheCoresThatItIsBoundTo) {
  EXPECT_EXIT(count_cores_bound_to_one(), ::testing::ExitedWithCode(1), "");
}

TEST(Machine, SlurmCountsAreReadOrNotAtAll) {
  EXPECT_THAT(slurm_counts("64(x2),32"), ElementsAre(64, 64, 32));
  EXPECT_THAT(slurm_counts("8"), ElementsAre(8));
  for (const auto* text : {"", "x", "64(x", "64(x)", "64(x2", "0", "-1", "64,,2"}) {
    EXPECT_THAT(slurm_counts(text), IsEmpty()) << text;
  }
}

TEST(Machine, TheNodesOfASlurmJobAreFound) {
  const Variable cpus("SLURM_JOB_CPUS_PER_NODE", "64(x2),32");
  const Variable gpus("SLURM_GPUS_ON_NODE", "4");
  const auto topology = discover_topology();
  ASSERT_EQ(topology.nodes.size(), 3u);
  EXPECT_EQ(topology.nodes[1].cpus, 64);
  EXPECT_EQ(topology.nodes[2].cpus, 32);
  EXPECT_EQ(topology.nodes[2].gpus, 4u);
}

TEST(Machine, TheRanksOfMpirunAreWorkersButForTheCoordinator) {
  const Variable size("OMPI_COMM_WORLD_SIZE", "7");
  const Variable here("OMPI_COMM_WORLD_LOCAL_SIZE", "4");
  const auto topology = discover_topology();
  ASSERT_EQ(topology.nodes.size(), 2u);
  EXPECT_EQ(topology.nodes[0].workers, 3u);
  EXPECT_EQ(topology.nodes[1].workers, 3u);
}

TEST(Machine, TheTasksOfSrunAreWorkersButForTheCoordinator) {
  const Variable cpus("SLURM_JOB_CPUS_PER_NODE", "64(x3)");
  const Variable tasks("SLURM_STEP_TASKS_PER_NODE", "3(x2),1");
  const auto topology = discover_topology();
  ASSERT_EQ(topology.nodes.size(), 3u);
  EXPECT_EQ(topology.nodes[0].workers, 2u);
  EXPECT_EQ(topology.nodes[1].workers, 3u);
  EXPECT_EQ(topology.nodes[2].workers, 1u);
}

TEST(Machine, AStepOfOneTaskHasTheWholeJobsNodes) {
  const Variable cpus("SLURM_JOB_CPUS_PER_NODE", "64(x3)");
  const Variable tasks("SLURM_STEP_TASKS_PER_NODE", "1");
  EXPECT_EQ(discover_topology().nodes.size(), 3u);
}

TEST(RunTopology, AddsUpWhatTheRanksOfANodeSay) {
  RunTopology run;
  run.add(0, "a", {{0, 1}, {"0"}, 100});
  run.add(0, "a", {{2, 3}, {"1"}, 100});
  run.add(0, "a", {{2, 3}, {"0", "1"}, 100});
  run.add(1, "b", {{0}, {}, 50});
  run.add(1, "b", {{0}, {}, 50});
  const auto nodes = run.topology().nodes;
  ASSERT_EQ(nodes.size(), 2u);
  EXPECT_EQ(nodes[0].cpus, 4) << "each rank is bound to cores of its own";
  EXPECT_EQ(nodes[0].gpus, 2u) << "and may see GPUs of its own, or the same ones";
  EXPECT_EQ(nodes[0].memory, 100u);
  EXPECT_EQ(nodes[1].cpus, 2) << "as many as worker ranks at least";
  EXPECT_EQ(nodes[1].workers, 2u);
}

}  // namespace
}  // namespace sluice::runtime
