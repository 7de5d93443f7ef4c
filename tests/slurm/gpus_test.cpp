// Which GPUs the workers get of those that Slurm allotted. They are none, but nobody looks.
#include "slurm/slurm_runs.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace sluice::slurm {
namespace {

using ::testing::AnyOf;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;

class Gpus : public SlurmRuns {
 protected:
  void write_gpu_job(const std::string& resources) {
    write_job(fmt::format(R"(
[pipeline]
run_dir = "out"
[input]
jsonl = "rows.jsonl"
[[stage]]
name = "work"
command = ["{}", "notes", "notes"]
{}
[[stage]]
name = "write"
use = "jsonl.write"
settings = {{ path = "out.jsonl" }}
)",
                          SLUICE_TEST_WORKER, resources));
  }

  /// "NODE DEVICES" of each worker's process.
  std::multiset<std::string> seen_by_workers(const Arguments& launcher) {
    const auto ended = under(launcher, {"run", "job.toml"});
    EXPECT_EQ(ended.code, 0) << ended.err;
    std::map<int, std::string> of_worker;
    for (const auto& note : lines("notes")) {
      const auto setup = nlohmann::json::parse(note);
      of_worker[setup["worker"]] = fmt::format("{} {}", setup["node"].get<std::string>(),
                                               setup["visible"].get<std::string>());
    }
    std::filesystem::remove_all(folder_ / "out");
    std::filesystem::remove(folder_ / "notes");
    std::multiset<std::string> seen;
    for (const auto& [worker, gpus] : of_worker) seen.insert(gpus);
    return seen;
  }
};

TEST_F(Gpus, AreAWorkersOwn) {
  write_gpu_job("gpus = 1\nworkers = 4");
  const std::vector<Arguments> launchers{
      {"srun", "-N2", "-n8", "--ntasks-per-node=4", "--gres=gpu:2"},
      {"salloc", "-N2", "-n8", "--ntasks-per-node=4", "--gres=gpu:2", "mpirun"}};
  for (const auto& launcher : launchers) {
    EXPECT_THAT(seen_by_workers(launcher), ElementsAre("n1 0", "n1 1", "n2 0", "n2 1"));
  }
}

TEST_F(Gpus, AreSharedByWorkersThatAskForParts) {
  write_gpu_job("gpus = 0.5\nworkers = 2");
  EXPECT_THAT(seen_by_workers({"srun", "-w", "n1", "-n4", "--gres=gpu:2"}),
              ElementsAre("n1 0", "n1 0"));
}

// Each task sees only its own.
TEST_F(Gpus, AreTheTasksOwn) {
  write_gpu_job("gpus = 1\nworkers = 2");
  const auto seen =
      seen_by_workers({"srun", "-N2", "-n4", "--ntasks-per-node=2", "--gpus-per-task=1"});
  EXPECT_THAT(seen, AnyOf(ElementsAre("n2 0", "n2 1"), ElementsAre("n1 1", "n2 0"),
                          ElementsAre("n1 1", "n2 1")))
      << "the first task is the coordinator, and its GPU is nobody's";
}

TEST_F(Gpus, ThatATaskDoesNotSeeAreMissed) {
  write_gpu_job("gpus = 2\nworkers = 1");
  const auto ended = under({"srun", "-N2", "-n4", "--ntasks-per-node=2", "--gpus-per-task=1"},
                           {"run", "job.toml"});
  EXPECT_EQ(ended.code, 5);
  EXPECT_THAT(ended.err, ContainsRegex("stage 'work' asks for 2 GPUs a worker, and rank [123] on "
                                       "n[12] sees 1 of its node; start the ranks so"));
}

}  // namespace
}  // namespace sluice::slurm
