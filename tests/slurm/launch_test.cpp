// The program as srun and mpirun start it in Slurm jobs.
#include "slurm/slurm_runs.hpp"

#include <gmock/gmock.h>

namespace sluice::slurm {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Launch : public SlurmRuns {};

TEST_F(Launch, GivesTheOutputOfABareRun) {
  const std::vector<Arguments> launchers{{"srun", "-N2", "-n6"},
                                         {"srun", "-N3", "-n4", "--mpi=pmix"},
                                         {"salloc", "-N2", "-n6", "mpirun"}};
  for (std::size_t i = 0; i < launchers.size(); ++i) {
    const auto run_dir = fmt::format("out{}", i);
    const auto ended = under(launchers[i], {"run", "job.toml", "--run-dir", run_dir});
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_THAT(ended.out, HasSubstr("120 of 120 records done"));
    expect_complete(run_dir);
  }
}

// On one node, at the same time.
TEST_F(Launch, LetsRunsBesideEachOtherAlone) {
  const auto ended = command({"bash", "-c",
                              fmt::format(R"(
    for run in a b c; do
      srun -w n1 -n3 --overlap '{}' run job.toml --run-dir $run &
      runs+=($!)
    done
    for run in "${{runs[@]}}"; do wait $run || exit; done)",
                                          SLUICE_BINARY)});
  EXPECT_EQ(ended.code, 0) << ended.err;
  for (const auto* run_dir : {"a", "b", "c"}) expect_complete(run_dir);
}

TEST_F(Launch, WithoutAnMpiPluginSaysWhatToType) {
  const auto ended = under({"srun", "-N2", "-n4", "--mpi=none"}, {"run", "job.toml"});
  EXPECT_EQ(ended.code, 5);
  EXPECT_THAT(ended.err, HasSubstr("srun started 4 tasks, but none of them finds the others"));
  EXPECT_THAT(ended.err, HasSubstr("`srun --mpi=pmix …`"));
  EXPECT_EQ(ended.err.find("sluice: error"), ended.err.rfind("sluice: error")) << "said once";
  EXPECT_THAT(ended.err, Not(HasSubstr("MPI_Init"))) << "it comes before Open MPI's own";
}

TEST_F(Launch, WithPmi2SaysWhatToType) {
  const auto ended = under({"srun", "-n3", "--mpi=pmi2"}, {"run", "job.toml"});
  if (ended.code == 0) return;  // this Open MPI knows it
  EXPECT_THAT(ended.err, HasSubstr("type `srun --mpi=pmix …` instead"));
}

// Ranks of a node that see one GPU each, or all: the node has them all.
TEST_F(Launch, CountsTheGpusOfANodeOnce) {
  const Arguments job{
      "run", "job.toml", "--set", "stage.work.gpus=1", "--set", "stage.work.workers=4"};
  const std::vector<Arguments> launchers{
      {"srun", "-N2", "-n6", "--gpus-per-task=0", "--gres=gpu:2"},
      {"srun", "-N3", "-n6", "--ntasks-per-node=2", "--gpus-per-task=1"},
      {"salloc", "-N2", "-n6", "--gres=gpu:2", "mpirun"}};
  for (const auto& launcher : launchers) {
    std::filesystem::remove_all(folder_ / "out");
    const auto ended = under(launcher, job);
    EXPECT_EQ(ended.code, 0) << launcher[0] << ended.err;
    EXPECT_THAT(ended.err, HasSubstr("work 4 workers"));
    expect_complete("out");
  }
  auto more = job;
  more.back() = "stage.work.workers=5";
  const auto ended = under({"srun", "-N2", "-n8", "--gres=gpu:2"}, more);
  EXPECT_EQ(ended.code, 5);
  EXPECT_THAT(ended.err, HasSubstr("ask for 5 GPUs, but all 2 nodes together have 4"));
}

TEST_F(Launch, WithTooFewRanksSaysHowManyToStart) {
  const auto ended = under({"srun", "-N2", "-n2"}, {"run", "job.toml"});
  EXPECT_EQ(ended.code, 5);
  EXPECT_THAT(ended.err, HasSubstr("`srun -n 3 …`"));
}

TEST_F(Launch, WithTooFewRanksOnANodeSaysWhich) {
  const auto ended = under({"srun", "-N2", "-n4", "--distribution=cyclic"},
                           {"run", "job.toml", "--set", "stage.work.workers_per_node=2", "--set",
                            "stage.write.workers=1"});
  EXPECT_EQ(ended.code, 5);
  EXPECT_THAT(ended.err, HasSubstr("ranks"));
}

}  // namespace
}  // namespace sluice::slurm
