// Runs that take longer than their Slurm jobs.
#include "slurm/slurm_job.hpp"

#include <gmock/gmock.h>

#include <thread>

namespace sluice::slurm {
namespace {

using ::testing::HasSubstr;

class Walltime : public SlurmJobs {};

// Of one minute, of which the run leaves 53 s unused, so that its allocations are short.
TEST_F(Walltime, SignalsAndRequeuesOfOneRunGiveOneOutput) {
  const auto job = submit("requeue", {"--time=1", "--signal=B:USR1@1"},
                          {"--set", "stage.work.settings.mean=1200ms", "--set",
                           "stage.work.batch_size=1", "--set", "pipeline.stop_before_end=52s"});
  in_the_middle_of(job, 1);  // the end of the first allocation came by itself
  EXPECT_THAT(log(), HasSubstr("stopped early by the end of its Slurm job"));
  command({"scancel", "--signal=USR1", "--batch", job});
  in_the_middle_of(job, 2);
  EXPECT_THAT(log(), HasSubstr("stopped early by SIGUSR1"));
  command({"scontrol", "requeue", job});
  EXPECT_EQ(end_of(job, std::chrono::seconds(240)), "COMPLETED") << log();
  EXPECT_GE(std::stoi(about(job, "Restarts")), 3);
  expect_complete("out");
}

TEST_F(Walltime, ACancelledJobStaysCancelledAndCanBeResumed) {
  const auto job = submit("requeue", {}, {"--set", "stage.work.settings.mean=300ms"});
  in_the_middle_of(job, 0);
  command({"scancel", job});
  EXPECT_EQ(end_of(job), "CANCELLED");
  std::this_thread::sleep_for(std::chrono::seconds(6));  // what is killed is gone
  EXPECT_EQ(about(job, "Restarts"), "0");
  const auto ended = under({"srun", "-n4"}, {"resume", "out"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  expect_complete("out");
}

TEST_F(Walltime, AStepToldToTerminateStopsInPeace) {
  const auto job = submit("many-nodes", {}, {"--set", "stage.work.settings.mean=300ms"});
  in_the_middle_of(job, 0);
  command({"scancel", "--signal=TERM", job + ".0"});
  EXPECT_EQ(end_of(job), "FAILED");
  EXPECT_THAT(log(), HasSubstr("stopped early by SIGTERM"));
  EXPECT_EQ(about(job, "ExitCode"), "9:0");
  const auto ended = under({"srun", "-n4"}, {"resume", "out"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  expect_complete("out");
}

}  // namespace
}  // namespace sluice::slurm
