#include "control/world.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <string>

namespace sluice::control::world {
namespace {

struct Totals {
  std::uint64_t batches = 0;
  std::uint64_t partial = 0;
  std::uint64_t messages = 0;
  std::uint64_t records = 0;
  std::uint64_t joins = 0;
  std::uint64_t renewals = 0;
  std::uint64_t ahead = 0;
  std::uint64_t early = 0;
};

void explore(std::uint64_t seed, Totals& totals) {
  const auto scenario = random_scenario(seed);
  const auto outcome = World(scenario, seed).run();
  totals.batches += outcome.batches;
  totals.partial += outcome.partial;
  totals.messages += outcome.messages;
  totals.records += outcome.records;
  totals.joins += outcome.joins;
  totals.renewals += outcome.renewals;
  totals.ahead += outcome.ahead;
  totals.early += outcome.early;
  if (outcome.failure.empty()) return;
  ADD_FAILURE() << "SLUICE_SEED=" << seed << " replays it: " << outcome.failure << "\n"
                << text_of(scenario) << outcome.trace;
}

// SLUICE_SEED=n explores that seed alone.
Totals explore(std::uint64_t first, std::uint64_t count) {
  if (const char* seed = std::getenv("SLUICE_SEED")) {
    first = std::stoull(seed);
    count = 1;
  }
  Totals totals;
  for (std::uint64_t seed = first; seed < first + count && !testing::Test::HasFailure(); ++seed) {
    explore(seed, totals);
  }
  const auto per_batch = [&](std::uint64_t n) {
    return static_cast<double>(n) / static_cast<double>(std::max<std::uint64_t>(1, totals.batches));
  };
  fmt::print(
      "{} schedules, {} roles taken up, {} workers renewed, {} records, {} batches of which "
      "{:.0f}% partial, {} granted beforehand, {} reports too early, {:.2f} control messages a "
      "batch\n",
      count, totals.joins, totals.renewals, totals.records, totals.batches,
      100 * per_batch(totals.partial), totals.ahead, totals.early, per_batch(totals.messages));
  return totals;
}

TEST(Schedules, EveryInvariantHoldsInThousands) {
  const auto totals = explore(1, 5'000);
  EXPECT_GT(totals.ahead, 1000u);
  EXPECT_GT(totals.early, 10u);
}

TEST(SchedulesSoak, EveryInvariantHoldsInAHundredThousand) { explore(1'000'000, 100'000); }

TEST(Schedules, ASeedReplaysExactly) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const auto scenario = random_scenario(seed);
    ASSERT_EQ(World(scenario, seed).run().trace_hash, World(scenario, seed).run().trace_hash)
        << seed;
  }
}

}  // namespace
}  // namespace sluice::control::world
