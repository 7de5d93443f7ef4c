#pragma once

#include "common/world.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <vector>

namespace sluice::bench {

/// The value that a share `q` of the values do not exceed. Values must not be empty.
inline double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  const auto place = std::ceil(q * static_cast<double>(values.size()));
  return values[static_cast<std::size_t>(std::max(place, 1.0)) - 1];
}

/// What several workers of one process write down.
class Log {
 public:
  void add(std::initializer_list<double> values) {
    const std::lock_guard lock(mutex_);
    values_.insert(values_.end(), values);
  }
  std::vector<double> values() const {
    const std::lock_guard lock(mutex_);
    return values_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<double> values_;
};

/// Counts what passes a place once the first `skipped` have passed, and how fast. One thread's.
class Meter {
 public:
  explicit Meter(std::uint64_t skipped) : skipped_(skipped) {}

  void note(std::uint64_t count) {
    passed_ += count;
    if (passed_ < skipped_) return;
    last_ = monotonic_seconds();
    if (first_ == 0) {
      first_ = last_;
      before_ = passed_;
    }
  }

  std::uint64_t passed() const { return passed_; }
  /// Per second; 0 where nothing has passed.
  double rate() const {
    return last_ > first_ ? static_cast<double>(passed_ - before_) / (last_ - first_) : 0;
  }

 private:
  std::uint64_t skipped_;
  std::uint64_t passed_ = 0;
  std::uint64_t before_ = 0;
  double first_ = 0;
  double last_ = 0;
};

}  // namespace sluice::bench
