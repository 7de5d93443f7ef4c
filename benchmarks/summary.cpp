// Reads results as JSON lines from standard input, takes the median of those that have the same
// name, and prints one table. Exits with 1 if a target is missed.
#include "common/report.hpp"
#include "common/samples.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <vector>

namespace sluice::bench {
namespace {

struct Group {
  Result result;  ///< the first one
  std::vector<double> values;

  double median() const { return quantile(values, 0.5); }
};

// In the order in which the names first came.
struct Groups {
  std::vector<std::string> names;
  std::map<std::string, Group> by_name;

  void add(const Result& result) {
    const auto [it, is_new] = by_name.try_emplace(result.what, Group{result, {}});
    if (is_new) names.push_back(result.what);
    it->second.values.push_back(result.value);
  }
};

Groups read() {
  Groups groups;
  for (std::string line; std::getline(std::cin, line);) {
    const auto json = nlohmann::json::parse(line);
    if (json.contains("what")) groups.add(json.get<Result>());
  }
  return groups;
}

std::string measured_text(const Group& group) {
  auto text = fmt::format("{} {}", number_text(group.median()), group.result.unit);
  if (group.values.size() == 1) return text;
  const auto [low, high] = std::minmax_element(group.values.begin(), group.values.end());
  return text + fmt::format(" ({} to {}, {} runs)", number_text(*low), number_text(*high),
                            group.values.size());
}

Row held_against(const Group& group, double value, const std::string& measured,
                 const std::string& unit) {
  const auto& target = *group.result.target;
  return {group.result.what, measured, target_text(target, unit),
          meets(value, target) ? "ok" : "MISSED"};
}

// The row of the measurement itself and, if it has a yardstick, one of their ratio.
void add_rows(const Group& group, const Groups& groups, std::vector<Row>& rows) {
  const auto& result = group.result;
  if (!result.target || !result.yardstick.empty()) {
    rows.push_back({result.what, measured_text(group), "", ""});
  } else {
    rows.push_back(held_against(group, group.median(), measured_text(group), result.unit));
  }
  const auto yardstick = groups.by_name.find(result.yardstick);
  if (!result.target || yardstick == groups.by_name.end()) return;
  const double ratio = group.median() / yardstick->second.median();
  auto row = held_against(group, ratio, number_text(ratio), "");
  row.what = fmt::format("  its ratio to '{}'", result.yardstick);
  rows.push_back(row);
}

}  // namespace
}  // namespace sluice::bench

int main() {
  using namespace sluice::bench;
  const auto groups = read();
  std::vector<Row> rows{{"what", "measured", "target", "ok"}};
  for (const auto& name : groups.names) add_rows(groups.by_name.at(name), groups, rows);
  print_table(rows);
  const bool missed =
      std::any_of(rows.begin(), rows.end(), [](const Row& row) { return row.ok == "MISSED"; });
  return missed ? EXIT_FAILURE : EXIT_SUCCESS;
}
