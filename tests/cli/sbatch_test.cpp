// Batch scripts for Slurm, sized from the plan.
#include "cli/job_runs.hpp"

#include <gmock/gmock.h>

namespace sluice::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Sbatch : public JobRuns {
 protected:
  void SetUp() override {
    write_job(R"(
[pipeline]
name = "captions"
[input]
keys = ["a", "b", "c"]
[[stage]]
name = "read"
use = "synthetic"
speed = 10
workers = 1
[[stage]]
name = "caption"
use = "synthetic"
speed = 0.01
gpus = 1
)");
  }

  std::string script(const Arguments& more) {
    Arguments arguments{"sbatch", "job.toml"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto ended = run(arguments);
    EXPECT_EQ(ended.code, 0) << ended.err;
    out_ = ended.out;
    return store::read_text(folder_ / "job.sbatch");
  }

  std::string out_;
};

TEST_F(Sbatch, AsksForWhatThePlanNeedsAndSaysWhy) {
  const auto text = script({"--topology", "2x(8c,2g)"});
  EXPECT_THAT(
      text,
      AllOf(HasSubstr("#SBATCH --job-name=captions\n"), HasSubstr("#SBATCH --nodes=2\n"),
            HasSubstr("#SBATCH --ntasks-per-node=3\n"), HasSubstr("#SBATCH --cpus-per-task=2\n"),
            HasSubstr("#SBATCH --gpus-per-node=2\n"), HasSubstr("#SBATCH --time=12\n"),
            Not(HasSubstr("overcommit"))));
  EXPECT_THAT(out_, AllOf(HasSubstr("workers: read 1, caption 4\n"),
                          HasSubstr("ranks: 3 on each of 2 nodes of 8 cores and 2 GPUs"),
                          HasSubstr("time: 3 inputs at 0.04/s take 2 min")));
}

TEST_F(Sbatch, TakesFlagsAndTimeAndWordsOfTheRun) {
  const auto text =
      script({"--topology", "1x(4c,1g)", "--time", "0:30", "--set", "pipeline.name=it's",
              "--run-dir", "r", "--", "--partition=main", "--comment=two words"});
  EXPECT_THAT(text, AllOf(HasSubstr("#SBATCH --time=0:30\n"),
                          HasSubstr("#SBATCH --partition=main '--comment=two words'\n"),
                          HasSubstr("run job.toml --set 'pipeline.name=it'\\''s' --run-dir r "
                                    "--resume &\n")));
}

TEST_F(Sbatch, LetsRanksShareWholeNodesIfThereAreMoreThanCores) {
  EXPECT_THAT(script({"--topology", "1x(2c,1g)", "--mode", "streaming"}),
              HasSubstr("#SBATCH --overcommit --exclusive\n"));
}

TEST_F(Sbatch, RefusesNodesOfSeveralSorts) {
  const auto ended = run({"sbatch", "job.toml", "--topology", "1x(8c,2g)+1x(8c)"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, HasSubstr("the nodes are of several sorts"));
}

TEST_F(Sbatch, SaysThatThereIsNoSlurmToSubmitTo) {
  const auto ended = run_process({"env", "PATH=/nowhere", SLUICE_BINARY, "sbatch", "job.toml",
                                  "--topology", "1x(8c,2g)", "--submit"},
                                 folder_.path());
  EXPECT_EQ(ended.code, 5);
  EXPECT_THAT(ended.err, HasSubstr("there is no sbatch on the PATH"));
}

}  // namespace
}  // namespace sluice::cli
