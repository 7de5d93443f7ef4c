#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <map>
#include <random>

#include "transport/world.hpp"

// What a message is when it arrives: whole, once, in order, unchanged.
namespace sluice::transport::conformance {

constexpr std::array<std::size_t, 8> mixed_sizes{0, 1, 100, 4096, 4097, 65536, 70001, 1 << 20};

// Every rank to every rank, itself too: messages of all sizes, as bytes, as buffers, as both.
inline void keeps_order_with_mixed_sizes(Transport& world) {
  constexpr std::uint64_t count = 40;
  const auto size_of_part = [](std::uint64_t i) { return mixed_sizes[i % mixed_sizes.size()]; };
  for (std::uint64_t i = 0; i < count; ++i) {
    for (Rank peer = 0; peer < world.size(); ++peer) {
      Message message{peer, pattern_text(size_of_part(i / 3), i), {}};
      for (std::uint64_t b = 0; b < i % 4; ++b) {
        message.buffers.push_back(pattern(size_of_part(i + b), i + b));
      }
      world.send(std::move(message));
    }
  }
  std::map<Rank, std::uint64_t> received;
  for (std::uint64_t n = 0; n < count * static_cast<std::uint64_t>(world.size()); ++n) {
    const Message message = next(world);
    const std::uint64_t i = received[message.peer]++;
    ASSERT_EQ(message.bytes.size(), size_of_part(i / 3)) << i << " from " << message.peer;
    ASSERT_TRUE(is_pattern(message.bytes, i)) << i << " from " << message.peer;
    ASSERT_EQ(message.buffers.size(), i % 4);
    for (std::uint64_t b = 0; b < i % 4; ++b) {
      ASSERT_EQ(message.buffers[b].size(), size_of_part(i + b));
      ASSERT_TRUE(is_pattern(message.buffers[b].view(), i + b)) << i << " from " << message.peer;
    }
  }
  ASSERT_TRUE(world.flush(patience));
  EXPECT_FALSE(world.receive().has_value());
}

// Random sizes to random peers; each message says how it was seeded.
inline Message random_message(std::mt19937_64& random, Rank peer, std::uint64_t number) {
  std::exponential_distribution<double> size(1.0 / 9000);
  const std::uint64_t seed = random();
  Message message{peer, fmt::format("{} {}", number, seed), {}};
  for (std::uint64_t b = random() % 3; b > 0; --b) {
    message.buffers.push_back(pattern(static_cast<std::size_t>(size(random)), seed + b));
  }
  return message;
}

inline void check_random_message(const Message& message, std::uint64_t expected_number) {
  std::uint64_t number = 0;
  std::uint64_t seed = 0;
  ASSERT_EQ(std::sscanf(message.bytes.c_str(), "%lu %lu", &number, &seed), 2) << message.bytes;
  ASSERT_EQ(number, expected_number) << "from " << message.peer;
  for (std::size_t b = 0; b < message.buffers.size(); ++b) {
    ASSERT_TRUE(is_pattern(message.buffers[b].view(), seed + message.buffers.size() - b));
  }
}

// All ranks send to random peers and receive in between. Last comes the number sent to each peer.
inline void random_traffic_arrives_exactly_once(Transport& world) {
  std::mt19937_64 random(1234 + static_cast<std::uint64_t>(world.rank()));
  const auto size = static_cast<std::size_t>(world.size());
  std::vector<std::uint64_t> sent(size);
  std::vector<std::uint64_t> received(size);
  int open_peers = world.size();
  const auto take = [&](const Message& message) {
    const auto peer = static_cast<std::size_t>(message.peer);
    if (message.bytes.starts_with("end ")) {
      EXPECT_EQ(message.bytes, fmt::format("end {}", received[peer]));
      --open_peers;
    } else {
      check_random_message(message, received[peer]++);
    }
  };
  for (int i = 0; i < 2000; ++i) {
    const std::size_t peer = random() % size;
    world.send(random_message(random, static_cast<Rank>(peer), sent[peer]++));
    while (random() % 2 == 0) {
      if (auto message = world.receive()) take(*message);
    }
  }
  for (std::size_t peer = 0; peer < size; ++peer) {
    world.send({static_cast<Rank>(peer), fmt::format("end {}", sent[peer]), {}});
  }
  while (open_peers > 0 && !testing::Test::HasFailure()) take(next(world));
  EXPECT_TRUE(world.flush(patience));
  EXPECT_FALSE(world.receive().has_value());
}

// The sender keeps nothing, and reuses the pool's memory for other bytes at once.
inline void buffers_are_held_until_they_have_left(Transport& world) {
  constexpr std::size_t size = 300'000;
  constexpr std::uint64_t count = 20;
  const Rank right = (world.rank() + 1) % world.size();
  for (std::uint64_t i = 0; i < count; ++i) {
    world.send({right, {}, {pattern(size, i)}});
    pattern(size, 1000 + i);
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    const Message message = next(world);
    ASSERT_EQ(message.buffers.size(), 1u);
    EXPECT_TRUE(is_pattern(message.buffers[0].view(), i)) << i;
  }
  EXPECT_TRUE(world.flush(patience));
}

inline void empty_messages_and_empty_buffers_arrive(Transport& world) {
  for (Rank peer = 0; peer < world.size(); ++peer) {
    world.send({peer, "", {}});
    world.send({peer, "", {Buffer(), pattern(0, 0), Buffer()}});
    world.send({peer, "", {Buffer(), pattern(10, 1), Buffer()}});
  }
  std::map<Rank, int> received;
  for (int n = 0; n < 3 * world.size(); ++n) {
    const Message message = next(world);
    const int i = received[message.peer]++;
    EXPECT_EQ(message.bytes, "");
    ASSERT_EQ(message.buffers.size(), i == 0 ? 0u : 3u);
    if (i == 2) {
      EXPECT_TRUE(is_pattern(message.buffers[1].view(), 1));
      EXPECT_TRUE(message.buffers[0].empty() && message.buffers[2].empty());
    }
  }
}

// Nobody receives before all is sent.
inline void many_small_messages_may_be_in_flight(Transport& world) {
  constexpr int count = 10'000;
  const Rank right = (world.rank() + 1) % world.size();
  for (int i = 0; i < count; ++i) world.send({right, std::to_string(i), {}});
  for (int i = 0; i < count; ++i) ASSERT_EQ(next(world).bytes, std::to_string(i));
  EXPECT_TRUE(world.flush(patience));
}

inline void large_messages_both_ways_at_once_do_not_deadlock(Transport& world) {
  constexpr std::size_t size = 8 << 20;
  for (Rank peer = 0; peer < world.size(); ++peer) {
    world.send({peer, "large", {pattern(size, static_cast<std::uint64_t>(world.rank()))}});
  }
  for (int n = 0; n < world.size(); ++n) {
    const Message message = next(world);
    ASSERT_EQ(message.buffers.size(), 1u);
    ASSERT_EQ(message.buffers[0].size(), size);
    EXPECT_TRUE(is_pattern(message.buffers[0].view(), static_cast<std::uint64_t>(message.peer)));
  }
  EXPECT_TRUE(world.flush(patience));
}

inline void a_rank_sends_to_itself(Transport& world) {
  const Buffer buffer = pattern(1 << 20, 5);
  world.send({world.rank(), "first", {buffer}});
  world.send({world.rank(), "second", {}});
  const Message first = next_from(world, world.rank());
  EXPECT_EQ(first.bytes, "first");
  EXPECT_EQ(first.buffers.at(0), buffer);
  EXPECT_EQ(next_from(world, world.rank()).bytes, "second");
  EXPECT_FALSE(world.receive().has_value());
}

inline void flush_says_when_all_has_left(Transport& world) {
  EXPECT_TRUE(world.flush(0ns));
  if (world.size() == 1) return;
  const Rank peer = world.rank() ^ 1;
  if (peer < world.size()) {
    world.send({peer, "payload", {pattern(4 << 20, 3)}});
    EXPECT_TRUE(world.flush(patience));
    // What came in meanwhile is not lost.
    EXPECT_TRUE(is_pattern(next_from(world, peer).buffers.at(0).view(), 3));
  }
}

inline void nodes_are_numbered_from_0(Transport& world) {
  ASSERT_GE(world.nodes(), 1);
  EXPECT_EQ(world.node_of(0), 0);
  for (Rank rank = 0; rank < world.size(); ++rank) {
    EXPECT_GE(world.node_of(rank), 0);
    EXPECT_LT(world.node_of(rank), world.nodes());
  }
}

}  // namespace sluice::transport::conformance
