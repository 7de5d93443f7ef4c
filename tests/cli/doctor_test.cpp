// What `sluice doctor` finds, of a world that the tests make.
#include "cli/job_runs.hpp"

#include <gmock/gmock.h>

namespace sluice::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Doctor : public JobRuns {
 protected:
  // A program of this name comes first on the PATH.
  void fake(const std::string& name, const std::string& script) {
    std::filesystem::create_directory(folder_ / "bin");
    store::write_text(folder_ / "bin" / name, "#!/bin/sh\n" + script + "\n");
    std::filesystem::permissions(folder_ / "bin" / name, std::filesystem::perms::owner_all);
  }
  Ended doctor(const Arguments& more = {}, const Arguments& variables = {}) {
    const auto path = (folder_ / "bin").string() + ":" + std::getenv("PATH");
    Arguments arguments{"env", "PATH=" + path};
    arguments.insert(arguments.end(), variables.begin(), variables.end());
    arguments.insert(arguments.end(), {SLUICE_BINARY, "doctor"});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_process(arguments, folder_.path());
  }
};

TEST_F(Doctor, FindsNothingBrokenHere) {
  const auto ended = doctor();
  EXPECT_EQ(ended.code, 0) << ended.out;
  EXPECT_THAT(ended.out, HasSubstr("ok      mpirun is Open MPI"));
  EXPECT_THAT(ended.out, HasSubstr("ok      '.' can be written in"));
}

TEST_F(Doctor, SeesThatMpirunIsOfAnotherMpi) {
  fake("mpirun", "echo 'mpirun (Open MPI) 3.0.1'");
  const auto ended = doctor();
  EXPECT_EQ(ended.code, 5);
  EXPECT_THAT(ended.out, HasSubstr("BROKEN  mpirun is Open MPI 3.0.1, but sluice runs with"));
  EXPECT_THAT(ended.out, HasSubstr("first on the PATH"));
}

TEST_F(Doctor, SaysHowARunOutlivesARank) {
  const std::string note = "note    mpirun ends the run when one of its ranks dies";
  auto command = sluice_command(2, {"doctor"});
  EXPECT_THAT(run_process(command, folder_.path()).out, HasSubstr(note));
  command.insert(command.begin() + 1, "--enable-recovery");
  EXPECT_THAT(run_process(command, folder_.path()).out, Not(HasSubstr(note)));
  EXPECT_THAT(doctor().out, Not(HasSubstr(note)));
}

TEST_F(Doctor, SaysHowToStartWithSrun) {
  fake("srun", "echo 'MPI plugin types are...'; echo none; echo cray_shasta");
  EXPECT_THAT(doctor().out, HasSubstr("note    srun has no MPI plugin pmix"));
  fake("srun", "echo 'MPI plugin types are...'; echo pmix");
  fake("scontrol", "echo 'MpiDefault              = none'");
  EXPECT_THAT(doctor().out, HasSubstr("type srun --mpi=pmix"));
  fake("scontrol", "echo 'MpiDefault              = pmix'");
  EXPECT_THAT(doctor().out, HasSubstr("ok      srun uses its MPI plugin pmix"));
}

TEST_F(Doctor, SeesThatTasksOfSrunAreAlone) {
  const auto ended = doctor({}, {"SLURM_STEP_NUM_TASKS=4", "SLURM_PROCID=0"});
  EXPECT_EQ(ended.code, 5);
  EXPECT_THAT(ended.out, HasSubstr("BROKEN  srun started 4 tasks"));
}

TEST_F(Doctor, SeesAFolderThatCannotBeWrittenIn) {
  const auto ended = doctor({"--folder", "/proc/self"});
  EXPECT_EQ(ended.code, 5);
  EXPECT_THAT(ended.out, HasSubstr("BROKEN  nothing can be written in '/proc/self'"));
}

TEST_F(Doctor, SeesGpusWithoutADriver) {
  fake("nvidia-smi", "exit 9");
  const auto ended = doctor({}, {"SLURM_GPUS_ON_NODE=2"});
  EXPECT_EQ(ended.code, 0);
  EXPECT_THAT(ended.out, HasSubstr("this process may use 2"));
  EXPECT_THAT(ended.out, HasSubstr("note    the driver does not answer"));
}

TEST_F(Doctor, ChecksEveryGpu) {
  const auto ended =
      doctor({}, {"SLURM_GPUS_ON_NODE=2", "SLUICE_GPU=emulated:2", "SLUICE_GPU_SICK=1"});
  EXPECT_EQ(ended.code, 5);
  EXPECT_THAT(ended.out, HasSubstr("ok      GPU 0 (emulated, EMULATED-0) computes"));
  EXPECT_THAT(ended.out, HasSubstr("BROKEN  GPU 1 (emulated, EMULATED-1) failed its health check"));
}

TEST_F(Doctor, AsksTheObjectStoreThatTheJobNeeds) {
  write_job(R"(
[input]
s3 = "s3://bucket/prefix/"
[[stage]]
name = "work"
use = "synthetic"
)");
  const auto ended = doctor({"job.toml"}, {"AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b",
                                           "AWS_ENDPOINT_URL=http://127.0.0.1:9"});
  EXPECT_EQ(ended.code, 5);
  EXPECT_THAT(ended.out, HasSubstr("ok      the job file is right"));
  EXPECT_THAT(ended.out, HasSubstr("BROKEN  cannot"));
}

}  // namespace
}  // namespace sluice::cli
