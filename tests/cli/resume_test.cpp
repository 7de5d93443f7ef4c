// Streaming runs of the program that are killed and go on.
#include "cli/resumed_runs.hpp"

#include <csignal>

namespace sluice::cli {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

// As if it had been killed when all but that was done.
TEST_F(Resumed, AFinishedRunTidiesUp) {
  ASSERT_EQ(run(command()).code, 0);
  fs::create_directories(folder_ / "out/.sluice/parts/s1-a1-r1-0");
  end_well(0);
}

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

// mpirun is left alone, with nobody to wait for.
TEST_F(Resumed, RunsWhoseRanksAreAllKilledUnderMpirunEndByThemselves) {
  constexpr int ranks = 6;
  const auto ended = run_and_signal(
      sluice_command(ranks, command()), folder_.path(),
      [&] {
        return fs::exists(folder_ / "out/journal") && rank_in(folder_.path(), ranks - 1) != 0;
      },
      SIGKILL,
      [&] {
        for (int rank = 1; rank < ranks; ++rank) {
          if (const auto process = rank_in(folder_.path(), rank); process > 0) {
            ::kill(process, SIGKILL);
          }
        }
        return rank_in(folder_.path(), 0);
      });
  EXPECT_FALSE(ended.timed_out);
  EXPECT_NE(ended.code, 0) << ended.err;
  end_well(1);
}

// Its deputy speaks for it: three times the patience that the workers have.
TEST_F(Resumed, RunsWhoseCoordinatorIsLongInASyncAreNotTakenForDead) {
  const auto ended =
      run_with_fault("slow=journal.torn:2", true, {"--set", "pipeline.heartbeat_timeout=2s"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  expect_whole("");
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
