#pragma once

#include "cli/job_runs.hpp"

#include <string>
#include <vector>

namespace sluice::slurm {

using cli::Ended;

/// Runs of the program on the cluster that cluster.sh has started.
class SlurmRuns : public cli::JobRuns {
 protected:
  static constexpr int rows = 120;

  void SetUp() override {
    write_rows(rows);
    write_job(R"(
[pipeline]
run_dir = "out"
[input]
jsonl = "rows.jsonl"
[[stage]]
name = "work"
use = "synthetic"
batch_size = 3
settings = { outputs = 2, service = "exponential", mean = "10ms" }
[[stage]]
name = "write"
use = "jsonl.write"
batch_size = 4
settings = { path = "out.jsonl" }
)");
  }

  /// The launcher's words, and after them sluice's.
  Ended under(Arguments launcher, const Arguments& arguments,
              std::chrono::seconds limit = std::chrono::seconds(60)) {
    launcher.emplace_back(SLUICE_BINARY);
    launcher.insert(launcher.end(), arguments.begin(), arguments.end());
    return cli::run_process(launcher, folder_.path(), limit);
  }

  /// A program of Slurm's, or a script.
  Ended command(const Arguments& words, std::chrono::seconds limit = std::chrono::seconds(60)) {
    return cli::run_process(words, folder_.path(), limit);
  }

  /// Whether the run directory has the output of an undisturbed run, once.
  void expect_complete(const std::string& run_dir) { expect_all(written(run_dir)); }

  /// Whether these lines are the output of an undisturbed run.
  void expect_all(const std::multiset<std::string>& lines) {
    if (expected_.empty()) {
      const auto ended = run({"run", "job.toml", "--mode", "debug", "--run-dir", "expected"});
      ASSERT_EQ(ended.code, 0) << ended.err;
      expected_ = written("expected");
      ASSERT_EQ(expected_.size(), 2u * rows);
    }
    EXPECT_TRUE(lines == expected_) << "there are " << lines.size() << " lines";
  }

  /// What all workers of the last stage wrote, each into a file of its own.
  std::multiset<std::string> written(const std::string& run_dir) {
    std::multiset<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / run_dir)) {
      const auto name = entry.path().filename().string();
      if (!name.starts_with("out") || entry.path().extension() != ".jsonl") continue;
      all.merge(lines(run_dir + "/" + name));
    }
    return all;
  }

 private:
  std::multiset<std::string> expected_;
};

}  // namespace sluice::slurm
