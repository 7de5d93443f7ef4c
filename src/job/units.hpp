#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::job {

/// "10ms", "1.5s", "2min", "1h"; without a unit, seconds. Nothing if it is none of these, negative,
/// or too large for 64 bits.
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);
std::optional<std::chrono::nanoseconds> duration_of_seconds(double seconds);

/// "64KiB", "1MB", "1.5GiB"; without a unit, bytes. Nothing if it is none of these, negative, or
/// too large for 64 bits.
std::optional<std::uint64_t> parse_size(std::string_view text);

}  // namespace sluice::job
