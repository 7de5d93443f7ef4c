#pragma once

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sluice::job {

/// Where a value of a job file stands: a line of a file, or a --set.
struct Place {
  std::string file;        ///< or the whole "--set KEY=VALUE"
  std::uint32_t line = 0;  ///< from 1; 0 if `file` has no lines

  std::string text() const { return line == 0 ? file : fmt::format("{}:{}", file, line); }
};

/// A value of a job file, of whatever type it was written in.
struct RawValue {
  /// monostate: a type that no key takes (a table, a date, a list of other things than strings).
  std::variant<std::monostate, std::string, std::int64_t, double, bool, std::vector<std::string>>
      value;
  std::string shown;  ///< for errors: "the integer 3", "a table"
  std::string typed;  ///< the text on the command line, if it stood there
  Place place;
};

/// Keys and values of a table.
using RawTable = std::map<std::string, RawValue, std::less<>>;

// The value as a T, or nothing if it is of another type. A whole number passes as a number; a
// single string as a list of one; what stood on the command line also as the text that was typed.
std::optional<std::string> to_text(const RawValue& value);
std::optional<std::int64_t> to_integer(const RawValue& value);
std::optional<double> to_number(const RawValue& value);
std::optional<bool> to_boolean(const RawValue& value);
std::optional<std::chrono::nanoseconds> to_duration(const RawValue& value);
std::optional<std::uint64_t> to_size(const RawValue& value);
std::optional<std::vector<std::string>> to_text_list(const RawValue& value);

/// Throws UsageError: the key `path` must be `wanted`, and what it is instead.
[[noreturn]] void throw_wrong_value(const RawValue& value, std::string_view path,
                                    std::string_view wanted);

/// What `parsed` holds, or throws as above.
template <class T>
T require(std::optional<T> parsed, const RawValue& value, std::string_view path,
          std::string_view wanted) {
  if (!parsed) throw_wrong_value(value, path, wanted);
  return *std::move(parsed);
}

/// Reads a TOML value; text that is none becomes a string.
RawValue parse_value(const std::string& text);

}  // namespace sluice::job
