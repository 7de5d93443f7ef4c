// Runs of the program in which something hangs: each ends by itself and names the culprit.
#include "cli/job_runs.hpp"

#include <gmock/gmock.h>

#include <csignal>
#include <ostream>

namespace sluice::cli {
namespace {

using store::read_text;
using store::ScratchFolder;
using store::write_text;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

constexpr const char* job = R"(
[pipeline]
run_dir = "out"
stall_after = "1s"
[input]
list = "keys.txt"
[[stage]]
name = "first"
use = "synthetic"
settings = { service = "fixed", mean = "5ms" }
[[stage]]
name = "middle"
use = "synthetic"
[[stage]]
name = "last"
use = "synthetic"
)";

struct Launch {
  std::string name;
  int ranks = 0;
  std::string mode;

  friend void PrintTo(const Launch& launch, std::ostream* out) { *out << launch.name; }
};

class Hangs : public JobRuns, public ::testing::WithParamInterface<Launch> {
 protected:
  void SetUp() override {
    std::string keys;
    for (int i = 0; i < 60; ++i) keys += "key-" + std::to_string(i) + "\n";
    write_text(folder_ / "keys.txt", keys);
    write_job(job);
  }

  Arguments command(const Arguments& sets) const {
    Arguments arguments{"run", "job.toml", "--mode", GetParam().mode};
    for (const auto& set : sets) {
      arguments.emplace_back("--set");
      arguments.push_back(set);
    }
    return sluice_command(GetParam().ranks, arguments);
  }

  void expect_hang(const Arguments& sets, const std::string& culprit) {
    const auto ended = run_process(command(sets), folder_.path());
    expect_code(ended, 10);
    EXPECT_THAT(ended.err, ContainsRegex("sluice: error: the run hangs: rank [0-9]+ on .* \\(" +
                                         culprit + "\\) does not return from its code"));
    EXPECT_THAT(read_text(folder_ / "out/state-dump.txt"),
                AllOf(HasSubstr(culprit), HasSubstr("inputs done"), HasSubstr("rank 1 on ")));
  }
};

TEST_P(Hangs, InProcess) {
  expect_hang({"stage.middle.settings.service=fixed", "stage.middle.settings.mean=1000s"},
              "stage 'middle', in process");
}

TEST_P(Hangs, InSetup) {
  expect_hang({"stage.middle.settings.setup=1000s"}, "stage 'middle', in setup");
}

TEST_P(Hangs, InASinkThatNeverAcknowledges) {
  expect_hang({"stage.last.settings.service=fixed", "stage.last.settings.mean=1000s"},
              "stage 'last', in process");
}

// Twentieths of a minute; its neighbours have much less patience.
TEST_P(Hangs, NotIfTheStageSaysThatItIsSlow) {
  const auto ended = run_process(
      command({"stage.middle.settings.service=fixed", "stage.middle.settings.mean=3s",
               "stage.middle.stall_after=10min", "stage.middle.batch_size=1", "input.limit=3"}),
      folder_.path());
  EXPECT_EQ(ended.code, 0) << ended.err;
}

// Each attempt takes half of the patience, all of them together several times that.
TEST_P(Hangs, NotIfABatchIsTriedAgainAndAgain) {
  const auto ended = run_process(
      command({"stage.middle.settings.service=fixed", "stage.middle.settings.mean=500ms",
               "stage.middle.settings.fail=1.0", "stage.middle.attempts=6",
               "stage.middle.on_failure=dead_letter", "pipeline.max_dead_letters=1",
               "input.limit=2", "stage.middle.workers=1"}),
      folder_.path());
  EXPECT_EQ(ended.code, 0) << ended.err;
}

INSTANTIATE_TEST_SUITE_P(Launches, Hangs,
                         ::testing::Values(Launch{"Threads", 0, "streaming"},
                                           Launch{"BatchThreads", 0, "batch"},
                                           Launch{"Mpi", 5, "streaming"},
                                           Launch{"BatchMpi", 3, "batch"}),
                         [](const auto& each) { return each.param.name; });

class Stopped : public Hangs {};

// Not dead, so the system says nothing; and not in its code either, as far as one can tell.
TEST_P(Stopped, ProcessesAreMissedByTheirSilence) {
  const auto rank = [this] { return rank_in(folder_.path(), 2); };
  const auto ended = run_and_signal(
      command({"pipeline.heartbeat_timeout=2s", "pipeline.stall_after=10min", "input.limit=10000",
               "stage.first.settings.mean=300ms"}),
      folder_.path(), [&] { return rank() != 0 && !read_text(folder_ / ".err").empty(); }, SIGSTOP,
      rank);
  expect_code(ended, 10);
  EXPECT_THAT(ended.err, ContainsRegex("the run hangs: rank 2 on .* gives no sign of life"));
  EXPECT_THAT(read_text(folder_ / "out/state-dump.txt"), HasSubstr("rank 2 on "));
  EXPECT_EQ(rank(), 0) << "it is ended too";
}

/// The coordinator is stopped, and the workers are left alone.
class StoppedCoordinator : public Hangs {
 protected:
  /// Stops it once the first status has been shown.
  void stop_and_expect_hang(Arguments sets) {
    sets.insert(sets.end(), {"pipeline.heartbeat_timeout=2s", "input.limit=10000"});
    const auto coordinator = [this] { return rank_in(folder_.path(), 0); };
    std::chrono::steady_clock::time_point stopped;
    const auto ended = run_and_signal(
        command(sets), folder_.path(),
        [&] { return coordinator() != 0 && !read_text(folder_ / ".err").empty(); }, SIGSTOP,
        [&] {
          stopped = std::chrono::steady_clock::now();
          return coordinator();
        });
    expect_code(ended, 10);
    EXPECT_LT(std::chrono::steady_clock::now() - stopped, std::chrono::seconds(12));
    EXPECT_THAT(ended.err, AllOf(ContainsRegex("sluice: error: the run hangs: rank 0 on [^ ]+, the "
                                               "coordinator, gives no sign of life for [2-4]"),
                                 HasSubstr("'sluice resume out' goes on with it")));
    EXPECT_EQ(coordinator(), 0) << "it is ended too";
  }
};

TEST_P(StoppedCoordinator, IsMissedByTheWorkersAndTheRunGoesOnWhenItIsResumed) {
  stop_and_expect_hang({"stage.first.settings.mean=300ms"});
  const auto resumed =
      run_process(sluice_command(GetParam().ranks, {"resume", "out"}), folder_.path());
  EXPECT_EQ(resumed.code, 0) << resumed.err;
}

TEST_P(StoppedCoordinator, IsMissedByWorkersWhoseCodeDoesNotReturnForLong) {
  stop_and_expect_hang({"stage.first.settings.setup=1000s", "stage.middle.settings.setup=1000s",
                        "stage.last.settings.setup=1000s", "pipeline.stall_after=0"});
}

INSTANTIATE_TEST_SUITE_P(Launches, Stopped,
                         ::testing::Values(Launch{"Mpi", 5, "streaming"},
                                           Launch{"BatchMpi", 3, "batch"}),
                         [](const auto& each) { return each.param.name; });

INSTANTIATE_TEST_SUITE_P(Launches, StoppedCoordinator,
                         ::testing::Values(Launch{"Mpi", 5, "streaming"},
                                           Launch{"BatchMpi", 3, "batch"}),
                         [](const auto& each) { return each.param.name; });

// The real thing: a stage whose calls take a minute, in a run that has ten seconds of patience.
TEST(HangsSoak, NotIfAStageOfAMinuteSaysThatItIsSlow) {
  const ScratchFolder folder;
  write_text(folder / "keys.txt", "a\nb\n");
  write_text(folder / "job.toml", job);
  const auto ended = run_process(
      sluice_command(
          5,
          {"run", "job.toml", "--mode", "streaming", "--set", "pipeline.stall_after=10s", "--set",
           "pipeline.heartbeat_timeout=10s", "--set", "stage.middle.stall_after=2min", "--set",
           "stage.middle.settings.service=fixed", "--set", "stage.middle.settings.mean=60s"}),
      folder.path(), std::chrono::seconds(300));
  EXPECT_EQ(ended.code, 0) << ended.err;
}

}  // namespace
}  // namespace sluice::cli
