#pragma once

#include "cli/job_runs.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <random>
#include <set>
#include <sstream>

namespace sluice::cli {

/// A streaming job with sinks of every sort, to be interrupted and gone on with.
class Resumed : public JobRuns {
 protected:
  using Output = std::multiset<std::string>;
  static constexpr int rows = 120;
  static constexpr const char* job = R"(
[pipeline]
run_dir = "out"
mode = "streaming"
commit_every = "30ms"
[input]
jsonl = "rows.jsonl"
[[stage]]
name = "split"
use = "synthetic"
batch_size = 3
settings = { outputs = 2, drop = 0.2, output_bytes = 300, service = "exponential", mean = "6ms" }
[[stage]]
name = "lines"
use = "jsonl.write"
batch_size = 4
settings = { path = "out.jsonl", payload = "digest" }
[[stage]]
name = "files"
use = "fs.write"
settings = { dir = "files", field = "bytes" }
[[stage]]
name = "rows"
use = "jsonl.write"
batch_size = 4
workers = 2
settings = { path = "rows.jsonl", payload = "digest" }
)";

  void SetUp() override {
    write_rows(rows);
    write_job(job);
    const auto ended = run({"run", "job.toml", "--mode", "debug", "--run-dir", "debug"});
    ASSERT_EQ(ended.code, 0) << ended.err;
    expected_ = output("debug");
  }
  /// Every line of every file, with the sink's name.
  Output output(const std::string& run_dir) {
    Output found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ / run_dir)) {
      const auto name = entry.path().filename().string();
      const bool known = name.starts_with("out.") || name.starts_with("rows.") ||
                         entry.path().parent_path().filename() == "files";
      if (!entry.is_regular_file() || !known) continue;
      const auto sink = name.substr(0, name.find('.'));
      std::istringstream text(store::read_text(entry.path()));
      for (std::string line; std::getline(text, line);) found.insert(sink + " " + line);
    }
    return found;
  }

  void expect_whole(const std::string& what) {
    const auto found = output("out");
    Output missing;
    Output doubled;
    std::set_difference(expected_.begin(), expected_.end(), found.begin(), found.end(),
                        std::inserter(missing, missing.end()));
    std::set_difference(found.begin(), found.end(), expected_.begin(), expected_.end(),
                        std::inserter(doubled, doubled.end()));
    EXPECT_EQ(missing.size(), 0u) << what;
    EXPECT_EQ(doubled.size(), 0u) << what;
    EXPECT_TRUE(std::filesystem::exists(folder_ / "out/out.jsonl"))
        << "one worker writes one file; " << what;
    EXPECT_FALSE(std::filesystem::exists(folder_ / "out/.sluice")) << what;
  }

  std::vector<std::string> command() {
    if (std::filesystem::exists(folder_ / "out/run.json")) return {"resume", "out"};
    return {"run", "job.toml"};
  }

  void end_well(std::uint64_t seed) {
    const auto ended =
        run(command(), static_cast<int>(seed % 2) * (6 + static_cast<int>(seed % 3)));
    EXPECT_EQ(ended.code, 0) << "seed " << seed << ": " << ended.err;
    expect_whole(fmt::format("seed {}", seed));
  }

  /// All processes of the run are killed, several times, with another number of ranks each time.
  void kill_and_resume(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::filesystem::remove_all(folder_ / "out");
    for (auto kills = 1 + random() % 5; kills > 0; --kills) {
      const auto ranks = random() % 2 == 0 ? 0 : 6 + static_cast<int>(random() % 3);
      const auto at = std::chrono::steady_clock::now() +
                      std::chrono::milliseconds((ranks > 0 ? 600 : 0) + random() % 500);
      run_and_kill(sluice_command(ranks, command()), folder_.path(),
                   [at] { return std::chrono::steady_clock::now() >= at; });
    }
    end_well(seed);
  }

  /// A new run with this fault (faults.cpp), bare or under mpirun.
  Ended run_with_fault(const std::string& fault, bool mpi,
                       const std::vector<std::string>& more = {}) {
    std::filesystem::remove_all(folder_ / "out");
    auto arguments = command();
    arguments.insert(arguments.end(), more.begin(), more.end());
    auto whole = sluice_command(mpi ? 6 : 0, arguments);
    const std::vector<std::string> env{"env", "SLUICE_FAULT=" + fault, "LD_PRELOAD=" SLUICE_FAULTS};
    whole.insert(whole.begin() + (mpi ? 3 : 0), env.begin(), env.end());
    auto ended = run_process(whole, folder_.path());
    EXPECT_FALSE(ended.timed_out) << fault;
    return ended;
  }

  /// A rank kills itself at a place where a crash hurts most; the launcher ends the others.
  bool crash_and_resume(const std::string& point, std::uint64_t seed) {
    const auto ended = run_with_fault(fmt::format("{}:{}", point, 1 + seed), seed % 2 == 1);
    end_well(seed);
    return ended.code != 0;
  }

  Output expected_;
};

}  // namespace sluice::cli
