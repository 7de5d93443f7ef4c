#include "control/coordinator_watch.hpp"

#include "control/random.hpp"
#include "control/watchdog.hpp"

#include <gtest/gtest.h>

namespace sluice::control {
namespace {

using namespace std::chrono_literals;
using world::Random;

TEST(SignBeat, LeavesRoomForAFewSignsInASilenceThatIsAllowed) {
  EXPECT_EQ(sign_beat(60s), 500ms);
  EXPECT_EQ(sign_beat(1s), 250ms);
  EXPECT_EQ(sign_beat(0s), 500ms);
}

/// What a worker sees of a coordinator that stops at `stops`, if ever: when its watch says so.
std::optional<Time> noticed(Random& random, CoordinatorWatch watch, Time beat, Time stops,
                            Time length) {
  std::uint64_t messages = 0;
  Time next_sign = random.between(0s, 3s);
  for (Time now{0}; now < length; now += random.between(1ms, beat)) {
    for (; next_sign <= std::min(now, stops); next_sign += random.between(1ms, beat)) ++messages;
    watch.look(now, messages);
    if (watch.silent()) return now;
  }
  return std::nullopt;
}

TEST(CoordinatorWatch, NoticesACoordinatorThatStopsAndNoOther) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Random random(seed);
    const Time silence = random.pick<Time>({100ms, 2s, 60s});
    const Time beat = sign_beat(silence);
    const CoordinatorWatch watch(silence, 1);
    EXPECT_FALSE(noticed(random, watch, beat, Time::max(), 10 * silence)) << "seed " << seed;
    const Time stops = 5s + random.between(0s, silence);
    const auto at = noticed(random, watch, beat, stops, stops + 3 * silence);
    ASSERT_TRUE(at) << "seed " << seed;
    EXPECT_GE(*at, stops + silence - beat) << "seed " << seed;
    EXPECT_LE(*at, stops + silence + 2 * beat) << "seed " << seed;
  }
}

class OneWatch : public ::testing::Test {
 protected:
  // As often as it must.
  void look_until(Time end, bool hears) {
    for (; now <= end; now += 500ms) {
      if (hears) ++messages;
      watch.look(now, messages);
    }
  }

  CoordinatorWatch watch{10s, 1};
  Time now{0};
  std::uint64_t messages = 0;
};

TEST_F(OneWatch, SaysHowLongTheSilenceLasts) {
  look_until(20s, true);
  look_until(30s, false);
  EXPECT_EQ(watch.silent(), std::nullopt);
  look_until(31s, false);
  EXPECT_EQ(watch.silent(), 11s);
}

TEST_F(OneWatch, DoesNotCountTimeInWhichItsOwnRankWasStopped) {
  look_until(20s, true);
  watch.look(1h, messages);
  EXPECT_EQ(watch.silent(), std::nullopt);
  watch.look(1h + 500ms, messages + 1);
  EXPECT_EQ(watch.silent(), std::nullopt);
}

TEST_F(OneWatch, WaitsLongerForACoordinatorThatHasNotJoined) {
  look_until(slow_to_join, false);
  EXPECT_FALSE(watch.joined());
  EXPECT_EQ(watch.silent(), std::nullopt);
  look_until(slow_to_join + 1s, false);
  EXPECT_NE(watch.silent(), std::nullopt);
}

TEST(CoordinatorWatch, WithoutALimitWaitsForEver) {
  CoordinatorWatch watch(0s, 1);
  watch.look(0s, 1);
  for (Time now{0}; now < 24h; now += 500ms) watch.look(now, 1);
  EXPECT_EQ(watch.silent(), std::nullopt);
}

TEST(CoordinatorWatch, LetsTheFirstRankSpeakFirst) {
  Time before{0};
  for (const Rank rank : {1, 2, 3, 4, 5}) {
    CoordinatorWatch watch(2s, rank);
    Time now{0};
    for (watch.look(now, 1); !watch.silent(); now += 100ms) watch.look(now, 1);
    EXPECT_GT(now, before);
    EXPECT_LE(now, 2s + 5 * sign_beat(2s));
    before = now;
  }
}

}  // namespace
}  // namespace sluice::control
