#pragma once

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <charconv>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

namespace sluice::store {

/// The whole number that the JSON is. Throws InputError for any other value, even one that the
/// library would round or wrap around to one: 1.5, 1e30, -1. All of sluice's own texts are read
/// with this.
template <std::integral T = std::uint64_t, class Json>
T whole_number(const Json& json) {
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<T>::max());
  const bool whole = json.is_number_unsigned();
  if (!whole || json.template get<std::uint64_t>() > most) {
    throw InputError(fmt::format("{} stands where a whole number from 0 to {} belongs",
                                 json.dump(-1, ' ', false, Json::error_handler_t::replace), most));
  }
  return json.template get<T>();
}

/// The same, for text that is nothing but the number; nothing if it is not one.
inline std::optional<std::uint64_t> parse_whole_number(std::string_view text, int base = 10) {
  std::uint64_t number = 0;
  const auto end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number, base);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return number;
}

}  // namespace sluice::store
