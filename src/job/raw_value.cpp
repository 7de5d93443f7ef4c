#include "job/raw_value.hpp"

#include "job/units.hpp"

namespace sluice::job {
namespace {

template <class T>
std::optional<T> alternative(const RawValue& value) {
  if (const T* held = std::get_if<T>(&value.value)) return *held;
  return std::nullopt;
}

}  // namespace

std::optional<std::string> to_text(const RawValue& value) {
  if (auto text = alternative<std::string>(value)) return text;
  return value.typed.empty() ? std::nullopt : std::optional(value.typed);
}

std::optional<std::int64_t> to_integer(const RawValue& value) {
  return alternative<std::int64_t>(value);
}

std::optional<double> to_number(const RawValue& value) {
  if (const auto integer = to_integer(value)) return static_cast<double>(*integer);
  return alternative<double>(value);
}

std::optional<bool> to_boolean(const RawValue& value) { return alternative<bool>(value); }

std::optional<std::chrono::nanoseconds> to_duration(const RawValue& value) {
  if (const auto seconds = to_number(value)) return duration_of_seconds(*seconds);
  const auto text = alternative<std::string>(value);
  return text ? parse_duration(*text) : std::nullopt;
}

std::optional<std::uint64_t> to_size(const RawValue& value) {
  if (const auto bytes = to_integer(value)) {
    return *bytes < 0 ? std::nullopt : std::optional(static_cast<std::uint64_t>(*bytes));
  }
  const auto text = alternative<std::string>(value);
  return text ? parse_size(*text) : std::nullopt;
}

std::optional<std::vector<std::string>> to_text_list(const RawValue& value) {
  if (auto one = alternative<std::string>(value)) return std::vector{*std::move(one)};
  return alternative<std::vector<std::string>>(value);
}

void throw_wrong_value(const RawValue& value, std::string_view path, std::string_view wanted) {
  throw UsageError(
      fmt::format("{}: '{}' must be {}; it is {}", value.place.text(), path, wanted, value.shown));
}

}  // namespace sluice::job
