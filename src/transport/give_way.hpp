#pragma once

#include <sched.h>

#include <chrono>

namespace sluice::transport {

/// What a thread does before it sleeps: it lets others run for some 20 µs, a moment at a time.
/// Whoever runs meanwhile may send something, and on cores that ranks share this costs a fraction
/// of going to sleep and being woken. But who computes keeps the core for milliseconds, and then a
/// sleeper is woken sooner: so after such a one it does without for a while.
class GiveWay {
 public:
  /// Ends as soon as `done` returns true.
  template <class Done>
  void until(Done done) {
    auto before = Clock::now();
    if (before < not_before_) return;
    for (int i = 0; i < most_times && !done(); ++i) {
      ::sched_yield();
      const auto after = Clock::now();
      if (after - before > longest) {
        not_before_ = after + pause;
        return;
      }
      before = after;
    }
  }

 private:
  using Clock = std::chrono::steady_clock;

  static constexpr int most_times = 40;
  static constexpr std::chrono::microseconds longest{300};
  static constexpr std::chrono::milliseconds pause{100};

  Clock::time_point not_before_;
};

}  // namespace sluice::transport
