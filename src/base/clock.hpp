#pragma once

#include <chrono>
#include <ctime>

namespace sluice {

/// Seconds since some fixed moment; for measuring, never for deciding (control code is given the
/// time instead).
inline double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// CPU time of the calling thread, which other processes on the machine do not add to. A call takes
/// a few hundred nanoseconds.
inline double thread_cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace sluice
