#include "base/bounded_queue.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <thread>
#include <vector>

namespace sluice {
namespace {

using namespace std::chrono_literals;

// Whether a call that should block is still blocked after a moment.
template <class T>
bool blocked(std::future<T>& call) {
  return call.wait_for(50ms) == std::future_status::timeout;
}

template <class T>
bool returned(std::future<T>& call) {
  return call.wait_for(10s) == std::future_status::ready;
}

TEST(BoundedQueue, HandsItemsOutInTheOrderTheyCame) {
  BoundedQueue<int> queue(3);
  for (const int item : {1, 2, 3}) EXPECT_TRUE(queue.push(item));
  for (const int item : {1, 2, 3}) EXPECT_EQ(queue.pop(), item);
}

TEST(BoundedQueue, TakesItemsThatCanOnlyBeMoved) {
  BoundedQueue<std::unique_ptr<int>> queue(1);
  EXPECT_TRUE(queue.push(std::make_unique<int>(7)));
  EXPECT_EQ(**queue.pop(), 7);
}

TEST(BoundedQueue, PushWaitsForRoom) {
  BoundedQueue<int> queue(1);
  queue.push(1);
  auto push = std::async(std::launch::async, [&] { return queue.push(2); });
  EXPECT_TRUE(blocked(push));
  EXPECT_EQ(queue.pop(), 1);
  ASSERT_TRUE(returned(push));
  EXPECT_TRUE(push.get());
  EXPECT_EQ(queue.pop(), 2);
}

TEST(BoundedQueue, PopWaitsForAnItem) {
  BoundedQueue<int> queue(1);
  auto pop = std::async(std::launch::async, [&] { return queue.pop(); });
  EXPECT_TRUE(blocked(pop));
  queue.push(1);
  ASSERT_TRUE(returned(pop));
  EXPECT_EQ(pop.get(), 1);
}

TEST(BoundedQueue, ClosingLetsReadersDrainItAndRefusesMore) {
  BoundedQueue<int> queue(2);
  queue.push(1);
  queue.close();
  EXPECT_FALSE(queue.push(2));
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_EQ(queue.pop(), std::nullopt);
}

TEST(BoundedQueue, AbortingDropsWhatIsLeft) {
  BoundedQueue<int> queue(2);
  queue.push(1);
  queue.abort();
  EXPECT_FALSE(queue.push(2));
  EXPECT_EQ(queue.pop(), std::nullopt);
}

TEST(BoundedQueue, ClosingWakesAllWhoWait) {
  BoundedQueue<int> empty(1);
  BoundedQueue<int> full(1);
  full.push(1);
  auto first = std::async(std::launch::async, [&] { return empty.pop(); });
  auto second = std::async(std::launch::async, [&] { return empty.pop(); });
  auto third = std::async(std::launch::async, [&] { return full.push(2); });
  EXPECT_TRUE(blocked(first) && blocked(second) && blocked(third));
  empty.close();
  full.close();
  ASSERT_TRUE(returned(first) && returned(second) && returned(third));
  EXPECT_EQ(first.get(), std::nullopt);
  EXPECT_EQ(second.get(), std::nullopt);
  EXPECT_FALSE(third.get());
}

TEST(BoundedQueue, ManyWritersAndReadersLoseAndRepeatNothing) {
  constexpr int writers = 3;
  constexpr int readers = 3;
  constexpr int each = 2000;
  BoundedQueue<int> queue(4);
  std::vector<std::atomic<int>> seen(static_cast<std::size_t>(writers) * each);
  {
    std::vector<std::jthread> reading;
    for (int r = 0; r < readers; ++r) {
      reading.emplace_back([&] {
        while (const auto item = queue.pop()) ++seen[static_cast<std::size_t>(*item)];
      });
    }
    {
      std::vector<std::jthread> writing;
      for (int w = 0; w < writers; ++w) {
        writing.emplace_back([&queue, w] {
          for (int i = 0; i < each; ++i) queue.push(w * each + i);
        });
      }
    }
    queue.close();
  }
  for (const auto& times : seen) EXPECT_EQ(times, 1);
}

}  // namespace
}  // namespace sluice
