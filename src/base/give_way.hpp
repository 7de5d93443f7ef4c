#pragma once

#include <sched.h>

#include <chrono>

namespace sluice {

/// What a thread does before it sleeps: it lets others run, a moment at a time, for about as long
/// as going to sleep and being woken takes. Whoever runs meanwhile may bring what it waits for,
/// which then costs a fraction of that. But who computes keeps the core for milliseconds, and then
/// a sleeper is woken sooner: so after such a one it does without for a while.
class GiveWay {
 public:
  /// Ends as soon as `done` returns true.
  template <class Done>
  void until(Done done) {
    const auto start = Clock::now();
    if (start < not_before_) return;
    for (auto before = start; !done() && before - start < longest;) {
      ::sched_yield();
      const auto after = Clock::now();
      if (after - before > too_long) {
        not_before_ = after + pause;
        return;
      }
      before = after;
    }
  }

 private:
  using Clock = std::chrono::steady_clock;

  static constexpr std::chrono::microseconds longest{50};
  static constexpr std::chrono::microseconds too_long{300};  ///< for others to run at a time
  static constexpr std::chrono::milliseconds pause{100};

  Clock::time_point not_before_;
};

}  // namespace sluice
