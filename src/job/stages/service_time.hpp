#pragma once

#include "base/random.hpp"

#include <sluice/registry.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::job {

/// Random numbers that depend on nothing but a seed, a record's key and what they are for, so that
/// a run's outcome does not depend on which worker takes which record.
class Dice : public Random {
 public:
  Dice(std::uint64_t seed, std::string_view key, std::string_view purpose);
};

/// How long a synthetic stage works on a record. Every distribution has the stated mean.
class ServiceTime {
 public:
  /// Throws UsageError if the settings make no sense.
  explicit ServiceTime(const Settings& settings);
  std::chrono::nanoseconds of(std::uint64_t seed, std::string_view key) const;
  /// Seconds, for a record whose chance this is; never more than a day.
  double draw(Random random) const;

 private:
  enum class Kind { none, fixed, exponential, lognormal, bimodal };
  static Kind parse(const std::string& text);
  double seconds(Random& random) const;

  Kind kind_;
  double mean_;
  double sigma_;
  double slow_share_;
  double slow_factor_;
};

/// Spends time: burns this thread's CPU, or sleeps. Sleeping carries what it overslept over to the
/// next time, so that the mean is right although one sleep is coarse.
class Spender {
 public:
  explicit Spender(bool burn) : burn_(burn) {}
  void spend(std::chrono::nanoseconds time);

 private:
  bool burn_;
  std::chrono::nanoseconds overslept_{0};
};

}  // namespace sluice::job
