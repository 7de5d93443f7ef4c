#pragma once

#include "transport/transport.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

// What the conformance cases are made of: bytes that can be checked, and calls with time-outs.
namespace sluice::transport::conformance {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Generous: the machine may be shared, and sanitizers are slow.
constexpr auto patience = 60s;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Bytes that depend on the seed and, with a period that divides no size used, on the place. Cheap
// to make and to check, under sanitizers too.
constexpr std::size_t period = 1009;

inline void fill(char* data, std::size_t size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::array<std::uint64_t, period / 8 + 1> start{};
  for (auto& word : start) word = random();
  std::memcpy(data, start.data(), std::min(period, size));
  for (std::size_t done = period; done < size; done *= 2) {
    std::memcpy(data + done, data, std::min(done, size - done));
  }
}

inline Buffer pattern(std::size_t size, std::uint64_t seed) {
  Buffer buffer(size);
  if (size > 0) fill(reinterpret_cast<char*>(buffer.mutable_data()), size, seed);
  return buffer;
}

inline std::string pattern_text(std::size_t size, std::uint64_t seed) {
  std::string text(size, '\0');
  fill(text.data(), size, seed);
  return text;
}

inline bool is_pattern(std::string_view bytes, std::uint64_t seed) {
  const auto start = bytes.substr(0, period);
  if (start != pattern_text(start.size(), seed)) return false;
  return bytes.size() <= period || bytes.substr(period) == bytes.substr(0, bytes.size() - period);
}

// The next message, sleeping while there is none.
inline Message next(Transport& world) {
  const auto start = Clock::now();
  while (Clock::now() < start + patience) {
    if (auto message = world.receive()) return std::move(*message);
    world.wait(1s);
  }
  throw std::runtime_error(fmt::format("rank {} got no message in time", world.rank()));
}

// The next message from that rank; others are not expected.
inline Message next_from(Transport& world, Rank peer) {
  Message message = next(world);
  if (message.peer != peer) {
    throw std::runtime_error(
        fmt::format("rank {} expected a message of rank {}, not of rank {}: \"{}\"", world.rank(),
                    peer, message.peer, message.bytes.substr(0, 40)));
  }
  return message;
}

// Ends on every rank when all have begun it. No other message may be under way.
inline void meet(Transport& world) {
  if (world.rank() == 0) {
    for (Rank peer = 1; peer < world.size(); ++peer) next(world);
    for (Rank peer = 1; peer < world.size(); ++peer) world.send({peer, "go", {}});
  } else {
    world.send({0, "here", {}});
    next_from(world, 0);
  }
}

}  // namespace sluice::transport::conformance
