#include "store/split_set.hpp"

#include <gmock/gmock.h>

#include <random>
#include <set>

namespace sluice::store {
namespace {

using ::testing::ElementsAre;

TEST(SplitSet, NeighboursMelt) {
  SplitSet splits;
  splits.add(3);
  splits.add(5);
  EXPECT_THAT(splits.ranges(), ElementsAre(SplitRange{3, 1}, SplitRange{5, 1}));
  splits.add(4);
  EXPECT_THAT(splits.ranges(), ElementsAre(SplitRange{3, 3}));
  splits.add({0, 2});
  splits.add({9, 0});
  EXPECT_THAT(splits.ranges(), ElementsAre(SplitRange{0, 2}, SplitRange{3, 3}));
  EXPECT_EQ(splits.size(), 5u);
}

SplitSet random_set(std::mt19937_64& random, std::set<std::uint64_t>& model) {
  SplitSet splits;
  for (std::size_t i = random() % 12; i > 0; --i) {
    const SplitRange range{random() % 40, random() % 5};
    splits.add(range);
    for (auto k = range.first; k < range.first + range.count; ++k) model.insert(k);
  }
  return splits;
}

TEST(SplitSet, IsTheSetOfWhatWasAdded) {
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    std::set<std::uint64_t> model_a;
    std::set<std::uint64_t> model_b;
    auto a = random_set(random, model_a);
    const auto b = random_set(random, model_b);
    std::uint64_t last_end = 0;
    for (const auto& range : a.ranges()) {
      EXPECT_TRUE(&range == &a.ranges().front() || range.first > last_end);
      last_end = range.first + range.count;
    }
    bool common = false;
    for (std::uint64_t k = 0; k < 50; ++k) {
      EXPECT_EQ(a.contains(k), model_a.contains(k)) << k;
      common = common || (model_a.contains(k) && model_b.contains(k));
    }
    EXPECT_EQ(a.overlaps(b), common);
    a.add(b);
    model_a.merge(model_b);
    EXPECT_EQ(a.size(), model_a.size());
  }
}

}  // namespace
}  // namespace sluice::store
