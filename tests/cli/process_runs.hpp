#pragma once

#include "cli/process.hpp"
#include "store/scratch_folder.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <ostream>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace sluice::cli {

struct Launch {
  std::string name;
  int ranks = 0;
  std::string mode;

  friend void PrintTo(const Launch& launch, std::ostream* out) { *out << launch.name; }
};

/// Runs of jobs whose middle stage is the test worker (tests/process/worker.cpp).
class ProcessRuns : public ::testing::TestWithParam<Launch> {
 protected:
  /// `does` is how the worker is called, `more` further keys of its stage.
  void write_job(const std::vector<std::string>& does, int records, const std::string& more = "") {
    std::string rows;
    for (int i = 0; i < records; ++i) {
      rows += fmt::format("{{\"key\": \"k{}\", \"text\": \"number {}\", \"n\": {}}}\n", i, i, i);
    }
    store::write_text(folder_ / "rows.jsonl", rows);
    store::write_text(folder_ / "job.toml", fmt::format(R"(
[pipeline]
run_dir = "out"
[input]
jsonl = "rows.jsonl"
[[stage]]
name = "make"
use = "synthetic"
settings = {{ output_bytes = 5000 }}
[[stage]]
name = "work"
{}
batch_size = 3
{}
[[stage]]
name = "write"
use = "jsonl.write"
settings = {{ path = "out.jsonl", payload = "digest" }}
)",
                                                        command(does), more));
  }

  static std::string command(const std::vector<std::string>& does) {
    std::string text = fmt::format("command = [\"{}\"", SLUICE_TEST_WORKER);
    for (const auto& argument : does) text += fmt::format(", \"{}\"", argument);
    return text + "]";
  }

  static std::vector<std::string> sluice(const Launch& launch,
                                         const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments{"run", "job.toml", "--mode", launch.mode};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return sluice_command(launch.ranks, arguments);
  }

  Ended run(const std::vector<std::string>& more = {},
            std::chrono::seconds limit = std::chrono::seconds(60)) {
    return run_process(sluice(GetParam(), more), folder_.path(), limit);
  }

  std::multiset<std::string> lines(const std::string& file) const {
    std::istringstream text(store::read_text(folder_ / file));
    std::multiset<std::string> found;
    for (std::string line; std::getline(text, line);) found.insert(line);
    return found;
  }

  /// What a run in debug mode writes, with a worker that does nothing.
  std::multiset<std::string> undisturbed() {
    const auto ended = run_process(sluice({"", 0, "debug"}, {"--run-dir", "other", "--set",
                                                             "stage.work." + command({"echo"})}),
                                   folder_.path());
    EXPECT_EQ(ended.code, 0) << ended.err;
    return lines("other/out.jsonl");
  }

  /// The workers' processes in this test's folder.
  std::vector<pid_t> workers() const {
    std::vector<pid_t> found;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
      std::error_code gone;
      const auto program = std::filesystem::read_symlink(entry.path() / "exe", gone);
      if (program != SLUICE_TEST_WORKER) continue;
      const auto folder = std::filesystem::read_symlink(entry.path() / "cwd", gone);
      if (folder == std::filesystem::canonical(folder_.path())) {
        found.push_back(std::stoi(entry.path().filename()));
      }
    }
    return found;
  }

  void expect_no_workers() const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!workers().empty() && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_EQ(workers().size(), 0u);
  }

  /// Runs the job while one worker's process after the other is killed. Returns how many were.
  int run_and_kill_workers(std::chrono::milliseconds every, std::chrono::seconds limit) {
    std::atomic<bool> over = false;
    std::atomic<int> kills = 0;
    std::thread killer([&] {
      std::mt19937 random(1);
      while (!over) {
        std::this_thread::sleep_for(every);
        const auto there = workers();
        if (there.empty()) continue;
        if (::kill(there[random() % there.size()], SIGKILL) == 0) ++kills;
      }
    });
    const auto ended = run({}, limit);
    over = true;
    killer.join();
    EXPECT_EQ(ended.code, 0) << ended.err;
    return kills;
  }

  store::ScratchFolder folder_;
};

}  // namespace sluice::cli
