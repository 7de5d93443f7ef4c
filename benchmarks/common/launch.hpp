#pragma once

#include "common/world.hpp"

#include <cstdlib>
#include <optional>
#include <stdexcept>

namespace sluice::bench {

/// Seconds since the launcher was started. Whoever starts it puts the wall clock's time into the
/// environment, in seconds.
inline double seconds_since_launch() {
  const char* launched = std::getenv("SLUICE_LAUNCHED_AT");
  if (launched == nullptr) {
    throw std::runtime_error(
        "SLUICE_LAUNCHED_AT is not set; start it with SLUICE_LAUNCHED_AT=$EPOCHREALTIME mpirun …");
  }
  return wall_seconds() - std::strtod(launched, nullptr);
}

/// When that was, on the clock of `monotonic_seconds`; absent if whoever started it did not say.
inline std::optional<double> launch_time() {
  if (std::getenv("SLUICE_LAUNCHED_AT") == nullptr) return std::nullopt;
  return monotonic_seconds() - seconds_since_launch();
}

}  // namespace sluice::bench
