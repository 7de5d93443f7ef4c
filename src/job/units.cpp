#include "job/units.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <span>

namespace sluice::job {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr std::array<Unit, 7> duration_units{
    {{"", 1e9}, {"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"min", 60e9}, {"h", 3600e9}}};
constexpr std::array<Unit, 11> size_units{{{"", 1},
                                           {"B", 1},
                                           {"kB", 1e3},
                                           {"KB", 1e3},
                                           {"MB", 1e6},
                                           {"GB", 1e9},
                                           {"TB", 1e12},
                                           {"KiB", 1024.0},
                                           {"MiB", 1048576.0},
                                           {"GiB", 1073741824.0},
                                           {"TiB", 1099511627776.0}}};

std::optional<std::int64_t> to_integer(double value) {
  if (!(value >= 0) || value >= 9223372036854775808.0) return std::nullopt;
  return static_cast<std::int64_t>(std::llround(value));
}

std::optional<std::int64_t> parse(std::string_view text, std::span<const Unit> units) {
  double number = 0;
  const auto* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc()) return std::nullopt;
  std::string_view name(rest, static_cast<std::size_t>(end - rest));
  name.remove_prefix(std::min(name.find_first_not_of(' '), name.size()));
  for (const auto& unit : units) {
    if (unit.name == name) return to_integer(number * unit.factor);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  const auto count = parse(text, duration_units);
  if (!count) return std::nullopt;
  return std::chrono::nanoseconds(*count);
}

std::optional<std::chrono::nanoseconds> duration_of_seconds(double seconds) {
  const auto count = to_integer(seconds * 1e9);
  if (!count) return std::nullopt;
  return std::chrono::nanoseconds(*count);
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const auto count = parse(text, size_units);
  if (!count) return std::nullopt;
  return static_cast<std::uint64_t>(*count);
}

}  // namespace sluice::job
