#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

namespace sluice::store {

/// The pause before the attempt after `failures` ones: anything between nothing and a limit that
/// doubles from 100 ms to 5 s ("full jitter": Brooker, Exponential Backoff And Jitter, AWS
/// Architecture Blog, 2015), so that many clients don't come back all at once.
template <class Random>
std::chrono::milliseconds backoff(unsigned failures, Random& random) {
  const auto doublings = std::min(failures, 10U) - (failures > 0 ? 1 : 0);
  const auto limit = std::min<std::int64_t>(100LL << doublings, 5000);
  return std::chrono::milliseconds(std::uniform_int_distribution<std::int64_t>(0, limit)(random));
}

}  // namespace sluice::store
