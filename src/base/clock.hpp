#pragma once

#include <chrono>

namespace sluice {

/// Seconds since some fixed moment; for measuring, never for deciding (control code is given the
/// time instead).
inline double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace sluice
