#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>

#include "transport/world.hpp"

// What `wait`, `notify` and a sleeping rank do.
namespace sluice::transport::conformance {

inline double cpu_seconds(int who) {
  rusage usage{};
  ::getrusage(who, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Waits as an engine does, until something happened or the time is over.
template <class Happened>
void wait_until(Transport& world, Happened happened) {
  const auto start = Clock::now();
  while (!happened() && Clock::now() < start + patience) world.wait(patience);
  EXPECT_TRUE(happened());
}

inline void wait_returns_within_its_longest(Transport& world) {
  for (const auto longest : {0ms, 1ms, 50ms}) {
    const auto start = Clock::now();
    world.wait(longest);
    // Generous: a rank may have to wait for a core.
    EXPECT_LT(seconds_since(start), std::chrono::duration<double>(longest).count() + 2.0);
  }
}

inline void wait_sleeps_while_nothing_happens(Transport& world) {
  meet(world);
  world.flush(patience);
  const auto start = Clock::now();
  int waits = 0;
  for (; Clock::now() < start + 200ms; ++waits) world.wait(200ms - (Clock::now() - start));
  EXPECT_LT(waits, 50);
}

inline void notify_from_another_thread_ends_wait(Transport& world) {
  for (int i = 0; i < 20; ++i) {
    std::atomic<bool> notified = false;
    std::thread other([&] {
      std::this_thread::sleep_for(2ms);
      notified = true;
      world.notify();
    });
    const auto start = Clock::now();
    wait_until(world, [&] { return notified.load(); });
    EXPECT_LT(seconds_since(start), 10.0);
    other.join();
  }
}

inline void notify_before_wait_ends_it_at_once(Transport& world) {
  world.notify();
  const auto start = Clock::now();
  world.wait(patience);
  EXPECT_LT(seconds_since(start), 10.0);
}

inline void a_message_to_itself_ends_wait_at_once(Transport& world) {
  world.send({world.rank(), "self", {}});
  const auto start = Clock::now();
  world.wait(patience);
  EXPECT_LT(seconds_since(start), 10.0);
  EXPECT_EQ(next(world).bytes, "self");
}

// A message far larger than what travels unasked, to ranks that sleep.
inline void a_large_message_reaches_a_sleeping_rank(Transport& world) {
  constexpr std::size_t size = 8 << 20;
  if (world.rank() == 0) {
    std::this_thread::sleep_for(50ms);
    for (Rank peer = 1; peer < world.size(); ++peer) world.send({peer, "", {pattern(size, 9)}});
    EXPECT_TRUE(world.flush(patience));
  } else {
    const auto start = Clock::now();
    EXPECT_TRUE(is_pattern(next_from(world, 0).buffers.at(0).view(), 9));
    EXPECT_LT(seconds_since(start), 30.0);
  }
}

// A large message needs the receiver's help; it leaves although the receiver is away computing.
inline void a_large_message_reaches_an_absent_rank(Transport& world) {
  constexpr std::size_t size = 8 << 20;
  constexpr auto away = 2s;
  if (world.size() == 1) return;
  meet(world);
  if (world.rank() == 0) {
    std::this_thread::sleep_for(50ms);
    const auto start = Clock::now();
    world.send({1, "", {pattern(size, 9)}});
    EXPECT_TRUE(world.flush(patience));
    EXPECT_LT(seconds_since(start), 1.0);
  } else if (world.rank() == 1) {
    {
      const Absence absence(world);
      std::this_thread::sleep_for(away);
    }
    EXPECT_TRUE(is_pattern(next_from(world, 0).buffers.at(0).view(), 9));
  }
  meet(world);
}

// And although the sender is away too.
inline void a_large_message_passes_between_absent_ranks(Transport& world) {
  constexpr std::size_t size = 8 << 20;
  if (world.size() == 1) return;
  meet(world);
  if (world.rank() == 0) {
    std::this_thread::sleep_for(50ms);
    world.send({1, "", {pattern(size, 9)}});
  }
  if (world.rank() < 2) {
    const Absence absence(world);
    std::this_thread::sleep_for(world.rank() == 0 ? 1s : 2s);
  }
  if (world.rank() == 0) {
    EXPECT_TRUE(world.flush(0ns));
  } else if (world.rank() == 1) {
    EXPECT_TRUE(is_pattern(next_from(world, 0).buffers.at(0).view(), 9));
  }
  meet(world);
}

// What a rank wants done in its absences is done, again and again, and others hear of it.
inline void an_absent_rank_gives_signs_of_life(Transport& world) {
  if (world.size() == 1 || !world.between_processes()) return;
  meet(world);
  int looks = 0;
  if (world.rank() == 0) {
    world.look_in_absence([&] { world.send({1, "sign " + std::to_string(++looks), {}}); }, 50ms);
    {
      const Absence absence(world);
      std::this_thread::sleep_for(1s);
    }
    EXPECT_GE(looks, 4);
    world.send({1, "back", {}});
  } else if (world.rank() == 1) {
    while (next_from(world, 0).bytes != "back") ++looks;
    EXPECT_GE(looks, 4);
    EXPECT_GT(world.heard(0), static_cast<std::uint64_t>(looks));
  }
  meet(world);
}

// Answers what asks for it, and takes nothing else.
class Answering final : public Caretaker {
 public:
  explicit Answering(Transport& world) : world_(world) {}
  bool take(Message& message) override {
    if (message.bytes != "ask") return false;
    world_.send({message.peer, "answer", {}});
    return true;
  }
  void step() override { ++steps_; }
  std::chrono::nanoseconds pause() const override { return 1ms; }
  int steps() const { return steps_; }

 private:
  Transport& world_;
  int steps_ = 0;
};

inline void an_absent_rank_is_looked_after(Transport& world) {
  if (world.size() == 1 || !world.between_processes()) return;
  meet(world);
  if (world.rank() == 0) {
    Answering answering(world);
    world.set_caretaker(&answering);
    {
      const Absence absence(world);
      std::this_thread::sleep_for(1s);
    }
    world.set_caretaker(nullptr);
    EXPECT_GE(answering.steps(), 100);
    EXPECT_EQ(next_from(world, 1).bytes, "before");
    EXPECT_EQ(next_from(world, 1).bytes, "after");
    for (Rank peer = 1; peer < world.size(); ++peer) world.send({peer, "back", {}});
  } else {
    if (world.rank() == 1) {
      for (const char* text : {"before", "ask", "after"}) world.send({0, text, {}});
      EXPECT_EQ(next_from(world, 0).bytes, "answer");
    }
    EXPECT_EQ(next_from(world, 0).bytes, "back") << "the answer came when it was back";
  }
  meet(world);
}

// Absences that come and go in the middle of traffic lose nothing.
inline void short_absences_lose_nothing(Transport& world) {
  constexpr int rounds = 300;
  if (world.size() == 1) return;
  const Rank right = (world.rank() + 1) % world.size();
  for (int i = 0; i < rounds; ++i) {
    world.send({right, std::to_string(i), {pattern(i % 3 == 0 ? 200'000 : 100, 3)}});
    {
      const Absence absence(world);
      if (i % 20 == 0) std::this_thread::sleep_for(1ms);
    }
    EXPECT_EQ(next(world).bytes, std::to_string(i));
  }
}

// From the send to the end of the wait; rank 0 wakes the others one by one.
inline void a_message_wakes_a_sleeping_rank(Transport& world) {
  constexpr int rounds = 200;
  std::vector<double> latencies;
  for (int i = 0; i < rounds && world.size() > 1; ++i) {
    const Rank peer = 1 + i % (world.size() - 1);
    if (world.rank() == 0) {
      std::this_thread::sleep_for(1ms);
      const auto start = Clock::now();
      world.send({peer, "wake", {}});
      next_from(world, peer);
      latencies.push_back(seconds_since(start) * 1e6);
    } else if (world.rank() == peer) {
      next_from(world, 0);
      world.send({0, "awake", {}});
    }
  }
  if (latencies.empty()) return;
  std::sort(latencies.begin(), latencies.end());
  fmt::print("           round trip to a sleeping rank: p50 {:.0f} µs, p99 {:.0f} µs\n",
             latencies[rounds / 2], latencies[rounds * 99 / 100]);
  // A doorbell that goes unheard costs 20 ms.
  EXPECT_LT(latencies[rounds / 2], 10'000.0);
}

// Rank 0 ends it, so all the others sleep; a rank that polls would use a core of its own.
inline void sleeping_ranks_use_little_cpu(Transport& world) {
  meet(world);
  world.flush(patience);
  const double before = cpu_seconds(RUSAGE_THREAD);
  const auto start = Clock::now();
  if (world.rank() == 0) {
    while (Clock::now() < start + 1s) world.wait(start + 1s - Clock::now());
    for (Rank peer = 1; peer < world.size(); ++peer) world.send({peer, "end", {}});
  } else {
    next_from(world, 0);
  }
  const double cores = (cpu_seconds(RUSAGE_THREAD) - before) / seconds_since(start);
  EXPECT_LT(cores, 0.3);
  if (world.rank() == 0) fmt::print("           a waiting rank used {:.4f} cores\n", cores);
}

}  // namespace sluice::transport::conformance
