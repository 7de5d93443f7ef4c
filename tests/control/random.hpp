#pragma once

#include "control/types.hpp"

#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <random>

namespace sluice::control::world {

/// The one source of chance of a schedule, so that a seed replays it.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t next() { return engine_(); }
  std::uint64_t between(std::uint64_t low, std::uint64_t high) {
    return low + engine_() % (high - low + 1);
  }
  bool chance(double probability) {
    return static_cast<double>(engine_() >> 11U) * 0x1p-53 < probability;
  }
  Time between(Time low, Time high) {
    if (high <= low) return low;
    return low + Time(static_cast<Time::rep>(engine_() %
                                             static_cast<std::uint64_t>((high - low).count() + 1)));
  }
  template <class T>
  T pick(std::initializer_list<T> values) {
    return *std::next(values.begin(), static_cast<std::ptrdiff_t>(engine_() % values.size()));
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace sluice::control::world
