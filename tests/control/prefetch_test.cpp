#include "control/prefetch.hpp"
#include "random.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <set>

namespace sluice::control {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using world::Random;

TEST(Prefetch, CopiesInTheOrderInWhichBatchesCame) {
  Prefetch prefetch({100, 2});
  prefetch.expect(9, 10);
  prefetch.expect(3, 10);
  prefetch.expect(5, 10);
  EXPECT_THAT(prefetch.start(), ElementsAre(9, 3));
  EXPECT_THAT(prefetch.start(), IsEmpty());
  prefetch.copied(3);
  EXPECT_THAT(prefetch.start(), ElementsAre(5));
}

TEST(Prefetch, StaysWithinItsBudget) {
  Prefetch prefetch({100, 4});
  prefetch.expect(1, 80);
  prefetch.expect(2, 30);
  prefetch.expect(3, 10);
  EXPECT_THAT(prefetch.start(), ElementsAre(1)) << "3 must not overtake 2";
  prefetch.copied(1);
  prefetch.gone(1);
  EXPECT_THAT(prefetch.start(), ElementsAre(2, 3));
}

TEST(Prefetch, CopiesWhatIsWantedWhateverTheBudget) {
  Prefetch prefetch({10, 1});
  prefetch.expect(1, 8);
  EXPECT_THAT(prefetch.start(), ElementsAre(1));
  prefetch.want(2, 1000);
  EXPECT_THAT(prefetch.start(), ElementsAre(2));
}

TEST(Prefetch, GivesUpWhatNobodyWants) {
  Prefetch prefetch({10, 1});
  prefetch.expect(1, 8);
  prefetch.start();
  prefetch.expect(2, 8);
  prefetch.gone(1);
  EXPECT_THAT(prefetch.start(), ElementsAre(2));
  EXPECT_EQ(prefetch.bytes_on_device(), 8U);
}

// A worker with some slots, and copies that end in any order.
void run_worker(std::uint64_t seed) {
  Random random(seed);
  const Prefetch::Limits limits{random.between(1, 50), random.between(1, 3)};
  Prefetch prefetch(limits);
  std::deque<std::pair<BatchId, std::uint64_t>> slots;
  std::set<BatchId> copying;
  std::set<BatchId> started;
  std::uint64_t wanted_bytes = 0;
  BatchId next = 0;
  const auto start = [&] {
    for (const auto batch : prefetch.start()) {
      ASSERT_TRUE(started.insert(batch).second) << "copied twice";
      copying.insert(batch);
    }
    ASSERT_LE(prefetch.bytes_on_device(), limits.bytes + wanted_bytes);
  };
  const auto end_some_copy = [&] {
    ASSERT_FALSE(copying.empty()) << "stuck";
    const auto it = std::next(copying.begin(),
                              static_cast<std::ptrdiff_t>(random.between(0, copying.size() - 1)));
    prefetch.copied(*it);
    copying.erase(it);
  };
  while (next < 200 || !slots.empty()) {
    if (next < 200 && slots.size() < 4) {
      slots.emplace_back(next, random.between(0, 40));
      prefetch.expect(next, slots.back().second);
      ++next;
      start();
    }
    if (!copying.empty() && random.chance(0.5)) end_some_copy();
    start();
    if (!random.chance(0.5)) continue;
    const auto [batch, bytes] = slots.front();
    slots.pop_front();
    wanted_bytes = bytes;
    prefetch.want(batch, bytes);
    start();
    while (!prefetch.is_copied(batch)) end_some_copy();
    prefetch.gone(batch);
    wanted_bytes = 0;
    ASSERT_TRUE(started.contains(batch));
  }
  EXPECT_EQ(started.size(), 200U);
  EXPECT_EQ(prefetch.bytes_on_device(), 0U);
  EXPECT_EQ(prefetch.under_way(), 0U);
}

TEST(Prefetch, GetsEveryBatchThereOnceWhateverEndsFirst) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    run_worker(seed);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace sluice::control
