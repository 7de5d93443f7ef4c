#include "common/report.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace sluice::bench {
namespace {

Row row_of(const Result& result) {
  Row row{result.what, fmt::format("{} {}", number_text(result.value), result.unit), "", ""};
  if (!result.target) return row;
  if (!result.yardstick.empty()) {
    row.target = fmt::format("{} of '{}'", target_text(*result.target, ""), result.yardstick);
    return row;
  }
  row.target = target_text(*result.target, result.unit);
  row.ok = meets(result.value, *result.target) ? "ok" : "MISSED";
  return row;
}

// Characters, not bytes: the texts hold micro signs.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string padded(const std::string& text, std::size_t wanted) {
  return text + std::string(wanted - std::min(wanted, width(text)), ' ');
}

std::size_t widest(const std::vector<Row>& rows, std::string Row::*column) {
  std::size_t result = 0;
  for (const auto& row : rows) result = std::max(result, width(row.*column));
  return result;
}

}  // namespace

void to_json(nlohmann::json& json, const Result& result) {
  json = {{"what", result.what}, {"value", result.value}, {"unit", result.unit}};
  if (result.target) {
    json["aim"] = result.target->aim == Aim::at_least ? "at least" : "at most";
    json["target"] = result.target->value;
  }
  if (!result.yardstick.empty()) json["yardstick"] = result.yardstick;
  if (!result.note.empty()) json["note"] = result.note;
}

void from_json(const nlohmann::json& json, Result& result) {
  result = {json.at("what"), json.at("value"), json.at("unit")};
  if (json.contains("target")) {
    const auto aim = json.at("aim") == "at least" ? Aim::at_least : Aim::at_most;
    result.target = Target{aim, json.at("target")};
  }
  result.yardstick = json.value("yardstick", "");
  result.note = json.value("note", "");
}

bool meets(double value, const Target& target) {
  if (!std::isfinite(value)) return false;  // a ratio to nothing
  return target.aim == Aim::at_least ? value >= target.value : value <= target.value;
}

std::string number_text(double value) {
  const double size = std::abs(value);
  if (size >= 100 || size == std::floor(size)) return fmt::format("{:.0f}", value);
  return fmt::format("{:.{}f}", value, size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

std::string target_text(const Target& target, const std::string& unit) {
  return fmt::format("{} {}{}{}",
                     target.aim == Aim::at_least ? ">=" : "<=", number_text(target.value),
                     unit.empty() ? "" : " ", unit);
}

void print_table(const std::vector<Row>& rows) {
  const auto what = widest(rows, &Row::what);
  const auto measured = widest(rows, &Row::measured);
  const auto target = widest(rows, &Row::target);
  for (const auto& row : rows) {
    fmt::print("{} | {} | {} | {}\n", padded(row.what, what), padded(row.measured, measured),
               padded(row.target, target), row.ok);
  }
}

void print(const std::vector<Result>& results, bool as_json) {
  if (as_json) {
    for (const auto& result : results) fmt::print("{}\n", nlohmann::json(result).dump());
    return;
  }
  std::vector<Row> rows{{"what", "measured", "target", "ok"}};
  std::transform(results.begin(), results.end(), std::back_inserter(rows), row_of);
  print_table(rows);
}

}  // namespace sluice::bench
