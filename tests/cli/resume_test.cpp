// Streaming runs of the program that are killed and go on.
#include "cli/job_runs.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <random>
#include <set>
#include <sstream>

namespace sluice::cli {
namespace {

using store::read_text;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

constexpr int rows = 120;

constexpr const char* job = R"(
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

class Resumed : public JobRuns {
 protected:
  using Output = std::multiset<std::string>;

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
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / run_dir)) {
      const auto name = entry.path().filename().string();
      const bool known = name.starts_with("out.") || name.starts_with("rows.") ||
                         entry.path().parent_path().filename() == "files";
      if (!entry.is_regular_file() || !known) continue;
      const auto sink = name.substr(0, name.find('.'));
      std::istringstream text(read_text(entry.path()));
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
    EXPECT_TRUE(fs::exists(folder_ / "out/out.jsonl")) << "one worker writes one file; " << what;
    EXPECT_FALSE(fs::exists(folder_ / "out/.sluice")) << what;
  }

  std::vector<std::string> command() {
    if (fs::exists(folder_ / "out/run.json")) return {"resume", "out"};
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
    fs::remove_all(folder_ / "out");
    for (auto kills = 1 + random() % 5; kills > 0; --kills) {
      const auto ranks = random() % 2 == 0 ? 0 : 6 + static_cast<int>(random() % 3);
      const auto at = std::chrono::steady_clock::now() +
                      std::chrono::milliseconds((ranks > 0 ? 600 : 0) + random() % 500);
      run_and_kill(sluice_command(ranks, command()), folder_.path(),
                   [at] { return std::chrono::steady_clock::now() >= at; });
    }
    end_well(seed);
  }

  /// A rank kills itself at a place where a crash hurts most; the launcher ends the others.
  bool crash_and_resume(const std::string& point, std::uint64_t seed) {
    fs::remove_all(folder_ / "out");
    const bool mpi = seed % 2 == 1;
    auto crashing = sluice_command(mpi ? 6 : 0, command());
    const std::vector<std::string> fault{"env", fmt::format("SLUICE_FAULT={}:{}", point, 1 + seed),
                                         "LD_PRELOAD=" SLUICE_FAULTS};
    crashing.insert(crashing.begin() + (mpi ? 3 : 0), fault.begin(), fault.end());
    const auto ended = run_process(crashing, folder_.path());
    EXPECT_FALSE(ended.timed_out) << point;
    end_well(seed);
    return ended.code != 0;
  }

  Output expected_;
};

TEST_F(Resumed, RunsHaveTheirWholeOutputAfterSigkillAtAnyMoment) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) kill_and_resume(seed);
}

constexpr const char* points[] = {"journal.before", "journal.torn",  "journal.after", "part.closed",
                                  "sink.written",   "output.before", "output.after"};

TEST_F(Resumed, RunsHaveTheirWholeOutputAfterACrashAtEachOfTheWorstPlaces) {
  std::uint64_t seed = 0;
  int crashes = 0;
  for (const auto* point : points) crashes += crash_and_resume(point, seed++ % 3) ? 1 : 0;
  EXPECT_GE(crashes, 6) << "faults must have hit";
}

using ResumedSoak = Resumed;
TEST_F(ResumedSoak, RunsHaveTheirWholeOutputAfterAHundredSigkills) {
  for (std::uint64_t seed = 100; seed < 140 && !HasFailure(); ++seed) kill_and_resume(seed);
}
TEST_F(ResumedSoak, RunsHaveTheirWholeOutputAfterCrashesAtTheWorstPlaces) {
  for (std::uint64_t seed = 0; seed < 8 && !HasFailure(); ++seed) {
    for (const auto* point : points) crash_and_resume(point, seed);
  }
}

TEST_F(Resumed, AFullDiskLosesNothing) {
  const auto ended =
      run_process({"bash", "-c", "ulimit -f 3; trap '' XFSZ; exec " SLUICE_BINARY " run job.toml"},
                  folder_.path());
  EXPECT_EQ(ended.code, 8) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("File too large"));
  end_well(0);
}

TEST_F(Resumed, SayWhatIsWrong) {
  EXPECT_THAT(run({"resume", "nowhere"}).err, HasSubstr("not the run directory of a run"));
  ASSERT_EQ(run({"run", "job.toml"}).code, 0);
  fs::remove(folder_ / "out/journal");
  const auto ended = run({"resume", "out"});
  EXPECT_EQ(ended.code, 3) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("no run to go on with"));
}

}  // namespace
}  // namespace sluice::cli
