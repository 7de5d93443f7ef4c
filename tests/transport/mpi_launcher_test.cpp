#include "transport/mpi.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <utility>
#include <vector>

namespace sluice::transport {
namespace {

// The launcher's variables are those given, and no others, as long as this lives. (The tests may
// run under a launcher themselves.)
class Environment {
 public:
  using Variables = std::vector<std::pair<const char*, const char*>>;

  explicit Environment(const Variables& variables) {
    clear();
    for (const auto& [name, value] : variables) ::setenv(name, value, 1);
  }
  ~Environment() { clear(); }

 private:
  static void clear() {
    for (const char* name :
         {"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "PMI_SIZE", "PMI_RANK", "PMIX_RANK",
          "PMIX_NAMESPACE", "PMI_FD", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID"}) {
      ::unsetenv(name);
    }
  }
};

TEST(MpiLauncher, ABareProcessIsAlone) {
  const Environment environment({});
  EXPECT_FALSE(launched_by_mpi());
  EXPECT_EQ(launcher_rank(), 0);
}

TEST(MpiLauncher, KnowsMpirun) {
  const Environment environment({{"OMPI_COMM_WORLD_SIZE", "8"}, {"OMPI_COMM_WORLD_RANK", "5"}});
  EXPECT_TRUE(launched_by_mpi());
  EXPECT_EQ(launcher_rank(), 5);
}

TEST(MpiLauncher, OneRankOfMpirunIsAlone) {
  const Environment environment({{"OMPI_COMM_WORLD_SIZE", "1"}, {"OMPI_COMM_WORLD_RANK", "0"}});
  EXPECT_FALSE(launched_by_mpi());
}

TEST(MpiLauncher, KnowsSrunWithPmix) {
  const Environment environment(
      {{"PMIX_RANK", "3"}, {"SLURM_STEP_NUM_TASKS", "4"}, {"SLURM_PROCID", "3"}});
  EXPECT_TRUE(launched_by_mpi());
  EXPECT_EQ(launcher_rank(), 3);
}

TEST(MpiLauncher, KnowsPmi) {
  const Environment environment({{"PMI_SIZE", "2"}, {"PMI_RANK", "1"}});
  EXPECT_TRUE(launched_by_mpi());
  EXPECT_EQ(launcher_rank(), 1);
}

// mpirun starts a daemon per node with srun, whose step its ranks inherit.
TEST(MpiLauncher, BelievesMpirunMoreThanTheSlurmStepAroundIt) {
  const Environment environment({{"OMPI_COMM_WORLD_SIZE", "1"},
                                 {"OMPI_COMM_WORLD_RANK", "0"},
                                 {"SLURM_STEP_NUM_TASKS", "4"},
                                 {"SLURM_PROCID", "2"}});
  EXPECT_FALSE(launched_by_mpi());
  EXPECT_EQ(launcher_rank(), 0);
}

// A batch script's own process has a task number, but no step.
TEST(MpiLauncher, ABareProcessInABatchScriptIsAlone) {
  const Environment environment(Environment::Variables{{"SLURM_PROCID", "0"}});
  EXPECT_FALSE(launched_by_mpi());
}

TEST(MpiLauncher, KnowsByWhatTasksOfSrunFindEachOther) {
  using Variables = Environment::Variables;
  EXPECT_EQ(srun_plugin(), SrunPlugin::not_srun);
  for (const auto& [variables, plugin] : std::vector<std::pair<Variables, SrunPlugin>>{
           {{{"SLURM_STEP_NUM_TASKS", "2"}}, SrunPlugin::none},
           {{{"SLURM_STEP_NUM_TASKS", "2"}, {"PMI_FD", "9"}}, SrunPlugin::pmi2},
           {{{"SLURM_STEP_NUM_TASKS", "2"}, {"PMIX_RANK", "1"}}, SrunPlugin::pmix},
           {{{"SLURM_STEP_NUM_TASKS", "2"}, {"OMPI_COMM_WORLD_SIZE", "4"}},
            SrunPlugin::not_srun}}) {
    const Environment environment(variables);
    EXPECT_EQ(srun_plugin(), plugin);
  }
}

TEST(MpiLauncher, PassesOverWhatIsNoNumber) {
  const Environment environment({{"OMPI_COMM_WORLD_SIZE", "many"}, {"PMI_SIZE", ""}});
  EXPECT_FALSE(launched_by_mpi());
}

}  // namespace
}  // namespace sluice::transport
