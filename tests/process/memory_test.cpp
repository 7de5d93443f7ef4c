#include "process/leases.hpp"
#include "process/memory_file.hpp"
#include "process/random_records.hpp"
#include "process/ranges.hpp"

#include <gmock/gmock.h>
#include <sys/mman.h>
#include <unistd.h>

#include <map>
#include <thread>

namespace sluice::process {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

TEST(MemoryFile, GrowsAndNeverShrinks) {
  MemoryFile memory("test", 1 << 20, MemoryFile::Use::read_write);
  EXPECT_FALSE(memory.holds(0, 1));
  memory.grow(100);
  *memory.at(99) = std::byte{1};
  memory.grow(1 << 20);
  EXPECT_TRUE(memory.holds(0, 1 << 20));
  EXPECT_FALSE(memory.holds(1, 1 << 20));
  EXPECT_FALSE(memory.holds(std::uint64_t(-1), 2));
  EXPECT_NE(::ftruncate(memory.descriptor(), 0), 0);
  EXPECT_EQ(*memory.at(99), std::byte{1});
}

TEST(MemoryFile, SeesThatTheOtherSideMadeItLonger) {
  MemoryFile memory("test", 1 << 20, MemoryFile::Use::read_write);
  EXPECT_FALSE(memory.holds(5000, 10));
  ASSERT_EQ(::ftruncate(memory.descriptor(), 10000), 0);
  EXPECT_TRUE(memory.holds(5000, 10));
  EXPECT_FALSE(memory.holds(9999, 2));
}

TEST(MemoryFile, CanBeGivenAwayForReadingAlone) {
  MemoryFile memory("test", 1 << 20, MemoryFile::Use::read_write);
  memory.grow(4096);
  const auto file = memory.read_only_descriptor();
  EXPECT_EQ(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0), MAP_FAILED);
  void* at = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file.get(), 0);
  ASSERT_NE(at, MAP_FAILED);
  *memory.at(7) = std::byte{9};
  EXPECT_EQ(static_cast<const std::byte*>(at)[7], std::byte{9});
  ::munmap(at, 4096);
}

TEST(Ranges, AreGivenFromTheFront) {
  Ranges ranges(1000);
  EXPECT_EQ(ranges.take(1, 100), 0u);
  EXPECT_EQ(ranges.take(2, 1), 128u);
  EXPECT_EQ(ranges.take(3, 1000), std::nullopt);
  EXPECT_EQ(ranges.take(3, 808), 192u);
  EXPECT_EQ(ranges.take(4, 1), std::nullopt);
  EXPECT_TRUE(ranges.give_back(1));
  EXPECT_FALSE(ranges.give_back(1));
  EXPECT_EQ(ranges.take(4, 129), std::nullopt);
  EXPECT_EQ(ranges.take(5, 128), 0u);
}

TEST(Ranges, NeverOverlap) {
  RandomRecords random(1);
  Ranges ranges(100000);
  std::map<std::uint64_t, std::pair<std::uint64_t, std::uint64_t>> taken;
  for (std::uint64_t batch = 1; batch < 5000; ++batch) {
    const auto length = 1 + random.below(9000);
    if (const auto begin = ranges.take(batch, length)) {
      EXPECT_LE(*begin + length, 100000u);
      for (const auto& [other, range] : taken) {
        ASSERT_TRUE(*begin + length <= range.first || range.second <= *begin);
      }
      taken[batch] = {*begin, *begin + length};
    }
    if (!taken.empty() && random.below(2) == 0) {
      const auto gone = std::next(taken.begin(), static_cast<long>(random.below(taken.size())));
      ASSERT_TRUE(ranges.give_back(gone->first));
      taken.erase(gone);
    }
  }
}

TEST(Leases, EndOnAnyThreadAndOutliveTheirStage) {
  auto memory = std::make_shared<MemoryFile>("test", 1 << 20, MemoryFile::Use::read_write);
  memory->grow(4096);
  const std::weak_ptr<MemoryFile> watched = memory;
  auto leases = std::make_shared<Leases>(std::move(memory));
  auto first = Leases::lease(leases, 1, 100);
  auto second = Leases::lease(leases, 2, 10);
  EXPECT_EQ(leases->bytes(), 110u);
  std::thread([first = std::move(first)]() mutable { first.reset(); }).join();
  EXPECT_EQ(leases->bytes(), 10u);
  EXPECT_THAT(leases->take_ended(), ElementsAre(1));
  EXPECT_THAT(leases->take_ended(), ElementsAre());
  leases.reset();
  EXPECT_FALSE(watched.expired());
  second.reset();
  EXPECT_TRUE(watched.expired());
}

TEST(Leases, ManyThreadsAtOnce) {
  const auto leases = std::make_shared<Leases>(nullptr);
  std::vector<std::thread> threads;
  std::vector<std::uint64_t> ended;
  for (std::uint64_t batch = 0; batch < 64; ++batch) {
    threads.emplace_back([lease = Leases::lease(leases, batch, 1)]() mutable { lease.reset(); });
    for (const auto each : leases->take_ended()) ended.push_back(each);
  }
  for (auto& thread : threads) thread.join();
  for (const auto each : leases->take_ended()) ended.push_back(each);
  EXPECT_EQ(ended.size(), 64u);
  EXPECT_EQ(leases->bytes(), 0u);
}

}  // namespace
}  // namespace sluice::process
