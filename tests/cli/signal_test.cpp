// Runs of the program that are told to stop by signals, and go on.
#include "cli/job_runs.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <optional>
#include <random>
#include <set>
#include <sstream>

namespace sluice::cli {
namespace {

using store::read_text;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using Clock = std::chrono::steady_clock;

constexpr int rows = 150;

constexpr const char* job = R"(
[pipeline]
run_dir = "out"
[input]
jsonl = "rows.jsonl"
[[stage]]
name = "split"
use = "synthetic"
batch_size = 3
settings = { outputs = 2, service = "exponential", mean = "10ms" }
[[stage]]
name = "write"
use = "jsonl.write"
batch_size = 4
settings = { path = "out.jsonl" }
)";

class Signals : public JobRuns {
 protected:
  void SetUp() override {
    write_rows(rows);
    write_job(job);
  }

  static Arguments in_mode(const std::string& mode, const Arguments& more = {}) {
    Arguments arguments{"run", "job.toml", "--mode", mode};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  bool begun() const { return std::filesystem::exists(folder_ / "out/run.json"); }

  // Some time after the run has begun.
  std::function<bool()> later(std::chrono::milliseconds wait) const {
    return [this, wait, since = std::optional<Clock::time_point>()]() mutable {
      if (!since && begun()) since = Clock::now();
      return since && Clock::now() - *since > wait;
    };
  }

  void expect_all_once() const {
    std::multiset<std::string> keys;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "out")) {
      if (!entry.path().filename().string().starts_with("out.")) continue;
      std::istringstream text(read_text(entry.path()));
      for (std::string line; std::getline(text, line);) keys.insert(line);
    }
    EXPECT_EQ(keys.size(), 2u * rows);
    EXPECT_EQ(std::set(keys.begin(), keys.end()).size(), 2u * rows);
  }

  void go_on(int ranks) {
    const auto ended = run({"resume", "out"}, ranks);
    EXPECT_EQ(ended.code, 0) << ended.err;
    expect_all_once();
  }

  void clear() { std::filesystem::remove_all(folder_ / "out"); }

  std::mt19937 random_{7};
};

struct Way {
  int ranks;
  std::string mode;
  int signal;
  int to_rank;  ///< -1: to the program that was started
};

// Whoever gets the signal, and whenever.
TEST_F(Signals, StopTheRunAndLoseNothing) {
  const std::vector<Way> ways{{0, "streaming", SIGTERM, -1}, {0, "streaming", SIGINT, -1},
                              {0, "streaming", SIGUSR1, -1}, {0, "batch", SIGTERM, -1},
                              {0, "batch", SIGUSR1, -1},     {4, "streaming", SIGUSR1, -1},
                              {4, "streaming", SIGTERM, 0},  {4, "streaming", SIGINT, 2},
                              {3, "batch", SIGUSR1, -1},     {3, "batch", SIGTERM, 1}};
  for (const auto& way : ways) {
    SCOPED_TRACE(
        fmt::format("{} ranks, {}, signal {} to {}", way.ranks, way.mode, way.signal, way.to_rank));
    clear();
    const std::chrono::milliseconds wait(random_() % 300);
    const auto target = [&] { return rank_in(folder_.path(), way.to_rank); };
    const auto ended =
        run_and_signal(sluice_command(way.ranks, in_mode(way.mode)), folder_.path(), later(wait),
                       way.signal, way.to_rank < 0 ? nullptr : std::function<pid_t()>(target));
    if (ended.code == 0) continue;  // the signal came too late
    expect_code(ended, 9);
    EXPECT_THAT(ended.err, ContainsRegex("sluice: error: stopped early by SIG[A-Z0-9]+: [0-9]+ of "
                                         "150 inputs are done"));
    EXPECT_THAT(ended.err, HasSubstr("'sluice resume out' goes on with it"));
    go_on(way.ranks == 0 ? 3 : 0);
  }
}

// mpirun's own way with SIGTERM: it leaves its ranks a second and then kills them.
TEST_F(Signals, ThatMpirunPassesOnLoseNothing) {
  const auto ended = run_and_signal(sluice_command(4, in_mode("streaming")), folder_.path(),
                                    later(std::chrono::milliseconds(100)), SIGTERM);
  EXPECT_NE(ended.code, 0);
  go_on(4);
}

TEST_F(Signals, WaitForUserCodeForTheGraceAndNoLonger) {
  for (const int ranks : {0, 4}) {
    clear();
    const auto ended = run_and_signal(
        sluice_command(ranks, in_mode("streaming", {"--set", "stage.split.settings.mean=1000s",
                                                    "--set", "stage.split.settings.service=fixed",
                                                    "--set", "pipeline.grace=500ms"})),
        folder_.path(), later(std::chrono::milliseconds(300)), SIGUSR1);
    expect_code(ended, 9);
    EXPECT_THAT(ended.err, HasSubstr("did not end within the grace"));
  }
}

TEST_F(Signals, ThatComeASecondTimeEndTheRunAtOnce) {
  for (const int ranks : {0, 4}) {
    clear();
    const auto rank_0 = [&] { return rank_in(folder_.path(), 0); };
    const auto ended = run_and_signal(
        sluice_command(ranks, in_mode("streaming", {"--set", "stage.split.settings.mean=1000s",
                                                    "--set", "stage.split.settings.service=fixed",
                                                    "--set", "pipeline.grace=10min"})),
        folder_.path(), later(std::chrono::milliseconds(300)), SIGINT,
        ranks == 0 ? nullptr : std::function<pid_t()>(rank_0), 2);
    expect_code(ended, 9);
    EXPECT_THAT(ended.err, Not(HasSubstr("sluice: error"))) << "there is no time for that";
  }
}

}  // namespace
}  // namespace sluice::cli
