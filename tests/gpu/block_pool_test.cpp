#include "gpu/block_pool.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::gpu {
namespace {

TEST(BlockPool, WastesAtMostAnEighth) {
  for (std::size_t size = 1; size < (std::size_t{1} << 22U); size += 1 + size / 7) {
    const auto capacity = BlockPool::capacity_for(size);
    ASSERT_GE(capacity, size);
    ASSERT_LE(capacity - size, std::max(size / 8 + 1, 4096 - std::min<std::size_t>(size, 4096)));
    ASSERT_EQ(BlockPool::capacity_for(capacity), capacity);
  }
  EXPECT_EQ(BlockPool::capacity_for(std::size_t{64} << 20U), std::size_t{64} << 20U);
}

TEST(BlockPool, GivesTheLastOneOfItsSizeAgain) {
  BlockPool pool;
  int first = 0;
  int second = 0;
  pool.give({&first, 4096});
  pool.give({&second, 4096});
  EXPECT_EQ(pool.free_bytes(), 8192U);
  EXPECT_FALSE(pool.take(8192));
  EXPECT_EQ(pool.take(4096)->data, &second);
  EXPECT_EQ(pool.take(4096)->data, &first);
  EXPECT_FALSE(pool.take(4096));
  EXPECT_EQ(pool.free_bytes(), 0U);
}

TEST(BlockPool, KeepsWhatOthersHaveMapped) {
  BlockPool pool;
  int mine = 0;
  int mapped = 0;
  pool.give({&mine, 4096});
  pool.give({&mapped, 4096, nullptr, true});
  ASSERT_EQ(pool.take_all().size(), 1U);
  EXPECT_EQ(pool.free_bytes(), 4096U);
  EXPECT_EQ(pool.take(4096)->data, &mapped);
}

}  // namespace
}  // namespace sluice::gpu
