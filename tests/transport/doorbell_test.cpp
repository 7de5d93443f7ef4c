#include "transport/doorbell.hpp"

#include <sluice/error.hpp>

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <thread>

namespace sluice::transport {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Asleep for good, unless a ring comes.
constexpr auto too_long = 60s;

TEST(Doorbell, ARingEndsASleep) {
  Doorbell bell;
  const auto start = Clock::now();
  const auto ticket = bell.announce_sleep();
  std::thread ringer([&] {
    std::this_thread::sleep_for(20ms);
    bell.ring();
  });
  bell.sleep(ticket, too_long);
  bell.awake();
  ringer.join();
  EXPECT_LT(Clock::now() - start, too_long / 2);
}

TEST(Doorbell, ARingBetweenAnnouncementAndSleepIsNotMissed) {
  Doorbell bell;
  const auto start = Clock::now();
  const auto ticket = bell.announce_sleep();
  bell.ring();
  bell.sleep(ticket, too_long);
  EXPECT_LT(Clock::now() - start, too_long / 2);
}

TEST(Doorbell, ARingToAnAwakeOwnerIsForgotten) {
  Doorbell bell;
  bell.ring();
  const auto ticket = bell.announce_sleep();
  const auto start = Clock::now();
  bell.sleep(ticket, 30ms);
  EXPECT_GE(Clock::now() - start, 30ms);
}

TEST(Doorbell, ASleepEndsByItself) {
  Doorbell bell;
  for (const auto longest : {-1ns, 0ns, 1ns, 10'000'000ns}) {
    bell.sleep(bell.announce_sleep(), longest);
    bell.awake();
  }
}

// The protocol of the transports: work is made visible, then the bell is rung; the owner announces,
// looks once more and sleeps for ever. A missed ring hangs the test.
TEST(Doorbell, NoRingIsMissedHoweverTheTwoSidesRace) {
  constexpr int rounds = 20'000;
  Doorbell bell;
  std::atomic<int> posted = 0;
  std::atomic<int> seen = 0;
  std::thread owner([&] {
    while (seen < rounds) {
      const auto ticket = bell.announce_sleep();
      if (posted == seen) bell.sleep(ticket, too_long);
      bell.awake();
      seen = posted.load();
    }
  });
  const auto start = Clock::now();
  for (int i = 1; i <= rounds; ++i) {
    posted = i;
    bell.ring();
    while (i % 3 == 0 && seen < i && Clock::now() < start + too_long) std::this_thread::yield();
  }
  owner.join();
  EXPECT_LT(Clock::now() - start, too_long / 2);
}

TEST(DoorbellRow, RingsAcrossProcesses) {
  auto row = DoorbellRow::create(3);
  const auto start = Clock::now();
  const auto ticket = row.bell(1)->announce_sleep();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto mine = DoorbellRow::attach(row.name(), 3);
    ::usleep(20'000);
    mine.bell(1)->ring();
    ::_exit(0);
  }
  row.bell(1)->sleep(ticket, too_long);
  EXPECT_LT(Clock::now() - start, too_long / 2);
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  row.withdraw_name();
}

TEST(DoorbellRow, MemoryStaysWhenTheNameIsWithdrawn) {
  auto row = DoorbellRow::create(1);
  const auto other = DoorbellRow::attach(row.name(), 1);
  row.withdraw_name();
  EXPECT_THROW(DoorbellRow::attach(row.name(), 1), LaunchError);
  const auto ticket = row.bell(0)->announce_sleep();
  other.bell(0)->ring();
  const auto start = Clock::now();
  row.bell(0)->sleep(ticket, too_long);
  EXPECT_LT(Clock::now() - start, too_long / 2);
}

}  // namespace
}  // namespace sluice::transport
