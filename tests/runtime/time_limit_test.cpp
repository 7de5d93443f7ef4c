#include "runtime/time_limit.hpp"

#include "runtime/variable.hpp"
#include "store/scratch_folder.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

namespace sluice::runtime {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

std::int64_t in(std::chrono::seconds time) {
  const auto at = std::chrono::system_clock::now() + time;
  return std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count();
}

/// A squeue that gives these words for an answer.
class TimeLimits : public ::testing::Test {
 protected:
  void squeue_says(const std::string& words) {
    store::write_text(folder_ / "squeue", fmt::format("#!/bin/sh\n"
                                                      "echo >> {}/asked\n"
                                                      "printf '%b\\n' '{}'\n",
                                                      folder_.path().string(), words));
    std::filesystem::permissions(folder_ / "squeue", std::filesystem::perms::owner_all);
  }
  bool was_asked() const { return std::filesystem::exists(folder_ / "asked"); }

  static bool near_within(TimeLimit& limit, std::chrono::milliseconds time) {
    for (const auto until = Clock::now() + time; Clock::now() < until;) {
      if (limit.is_near()) return true;
      std::this_thread::sleep_for(5ms);
    }
    return false;
  }

  store::ScratchFolder folder_;
  Variable path_{"PATH", (folder_.path().string() + ":" + std::getenv("PATH")).c_str()};
  Variable job_{"SLURM_JOB_ID", "17"};
};

TEST_F(TimeLimits, OutsideOfSlurmAreNone) {
  ::unsetenv("SLURM_JOB_ID");
  squeue_says("17 " + std::to_string(in(0s)));
  TimeLimit limit(1h);
  EXPECT_FALSE(near_within(limit, 100ms));
  EXPECT_FALSE(was_asked());
}

TEST_F(TimeLimits, AreWhatSqueueSays) {
  squeue_says("17 " + std::to_string(in(100s)));
  TimeLimit near(110s);
  EXPECT_TRUE(near_within(near, 5s));
  EXPECT_EQ(near.grace(), 55s);
  TimeLimit far(50s);
  EXPECT_FALSE(near_within(far, 200ms));
  TimeLimit never(0s);
  EXPECT_FALSE(near_within(never, 200ms));
}

TEST_F(TimeLimits, AreNearAMinuteOrAQuarterBefore) {
  const Variable end("SLURM_JOB_END_TIME", std::to_string(in(4s)).c_str());
  squeue_says("17 " + std::to_string(in(4s)));
  TimeLimit limit(std::nullopt);
  EXPECT_FALSE(near_within(limit, 500ms));
  EXPECT_TRUE(near_within(limit, 8s));
  EXPECT_LE(limit.grace(), 500ms);
}

TEST_F(TimeLimits, AreThoseOfOneTaskOfAnArray) {
  squeue_says(fmt::format("19 {}\n17 {}\n18 N/A", in(1s), in(100s)));
  TimeLimit limit(50s);
  EXPECT_FALSE(near_within(limit, 500ms));
}

TEST_F(TimeLimits, ThatWereRaisedInTheMeantimeCount) {
  const Variable end("SLURM_JOB_END_TIME", std::to_string(in(10s)).c_str());
  squeue_says("17 " + std::to_string(in(1000s)));
  TimeLimit limit(20s);
  EXPECT_FALSE(near_within(limit, 1s));
  EXPECT_TRUE(was_asked());
}

TEST_F(TimeLimits, StayAsTheyWereIfSqueueDoesNotAnswer) {
  const Variable end("SLURM_JOB_END_TIME", std::to_string(in(10s)).c_str());
  for (const auto* words : {"", "17 N/A", "Invalid job id specified"}) {
    squeue_says(words);
    TimeLimit limit(20s);
    EXPECT_TRUE(near_within(limit, 5s)) << words;
  }
}

}  // namespace
}  // namespace sluice::runtime
