#pragma once

#include <sluice/error.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <limits>
#include <string>

// Numbers of files that may be damaged. What they cannot be is an InputError: the library would
// make a huge count of a negative one.
namespace sluice::observe {

inline std::uint64_t count_of(const nlohmann::ordered_json& json) {
  constexpr std::uint64_t most = 1ULL << 53U;  // beyond, readers of JSON disagree
  // A negative number becomes one far above that.
  if (json.is_number_integer() && json.get<std::uint64_t>() <= most) return json;
  throw InputError("it has '" + json.dump() + "' where a count stands");
}

inline int rank_of(const nlohmann::ordered_json& json) {
  const auto rank = count_of(json);
  if (rank <= static_cast<std::uint64_t>(std::numeric_limits<int>::max())) {
    return static_cast<int>(rank);
  }
  throw InputError("it has '" + json.dump() + "' where a rank stands");
}

/// Of a size that a clock may show, since 1970 or since anything later; durations, too.
inline double seconds_of(const nlohmann::ordered_json& json) {
  constexpr double most = 1e11;
  if (json.is_number() && json.get<double>() >= 0 && json.get<double>() <= most) return json;
  throw InputError("it has '" + json.dump() + "' where seconds stand");
}

}  // namespace sluice::observe
