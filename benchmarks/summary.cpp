// Reads results as JSON lines from standard input, takes the median of those that have the same
// name, and prints one table, or a page in Markdown. Exits with 1 if a target is missed.
#include "common/report.hpp"

#include <sluice/error.hpp>
#include <sluice/run.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::bench {
namespace {

struct Group {
  std::string suite;
  Result result;  ///< the first one
  std::vector<double> values;

  double median() const {
    auto sorted = values;
    std::sort(sorted.begin(), sorted.end());
    return (sorted.at((sorted.size() - 1) / 2) + sorted.at(sorted.size() / 2)) / 2;
  }
};

// The ratio of two results' medians, to be held against a target.
struct Comparison {
  std::string what;
  std::string with;
  std::optional<Target> target;
};

// In the order in which the names first came.
struct Groups {
  std::vector<nlohmann::json> machines;
  std::vector<std::string> names;
  std::map<std::string, Group> by_name;
  std::vector<Comparison> comparisons;
  std::map<std::string, int> failed;    ///< steps, and with which exit code
  std::vector<std::string> since_step;  ///< names that came after the last step

  void add(const nlohmann::json& json) {
    if (json.contains("what")) {
      add(json.value("suite", ""), json.get<Result>());
    } else if (json.contains("compare")) {
      comparisons.push_back({json.at("compare"), json.at("with"), target_of(json)});
    } else if (json.contains("failed")) {
      failed[json.at("failed")] = json.at("status");
    } else if (json.contains("step")) {
      failed.erase(json.at("step"));
      if (json.contains("user")) note_step(json);
      since_step.clear();
    } else if (json.contains("cpu")) {
      machines.push_back(json);
    }
  }

 private:
  void add(const std::string& suite, const Result& result) {
    const auto [it, is_new] = by_name.try_emplace(result.what, Group{suite, result, {}});
    if (is_new) names.push_back(result.what);
    it->second.values.push_back(result.value);
    since_step.push_back(result.what);
  }

  // What no program accounts for itself has the CPU time of its step, at least.
  void note_step(const nlohmann::json& step) {
    for (const auto& what : since_step) {
      auto& note = by_name.at(what).result.note;
      if (!note.empty()) continue;
      note = fmt::format(
          "all processes of the step had {} s of CPU in user code and {} s in the kernel, in {} s",
          step.at("user").dump(), step.at("system").dump(), step.at("seconds").dump());
    }
  }

  static std::optional<Target> target_of(const nlohmann::json& json) {
    if (!json.contains("target")) return std::nullopt;
    const auto aim = json.at("aim") == "at least" ? Aim::at_least : Aim::at_most;
    return Target{aim, json.at("target")};
  }
};

Groups read() {
  Groups groups;
  std::size_t number = 1;
  for (std::string line; std::getline(std::cin, line); ++number) {
    try {
      groups.add(nlohmann::json::parse(line));
    } catch (const nlohmann::json::exception& error) {
      throw UsageError(fmt::format("line {}: {}", number, error.what()));
    }
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

struct SuiteRow {
  std::string suite;
  std::string subject;  ///< whose row it is; of ratios there are several
  Row row;
  std::string note = {};
};

SuiteRow row_of(const Group& group, const std::string& what, const std::string& measured,
                double value, const std::optional<Target>& target, const std::string& unit) {
  SuiteRow made{group.suite, group.result.what, {what, measured, "", ""}, group.result.note};
  if (!target) return made;
  made.row.target = target_text(*target, unit);
  made.row.ok = meets(value, *target) ? "ok" : "MISSED";
  return made;
}

void add_ratio(const Group& group, const std::string& other, const std::optional<Target>& target,
               const Groups& groups, std::vector<SuiteRow>& rows) {
  const auto found = groups.by_name.find(other);
  if (found == groups.by_name.end()) return;
  const double ratio = group.median() / found->second.median();
  rows.push_back(row_of(group, fmt::format("  its ratio to '{}'", other), number_text(ratio), ratio,
                        target, ""));
}

// The row of the measurement itself, and those of its ratios to others.
void add_rows(const Group& group, const Groups& groups, std::vector<SuiteRow>& rows) {
  const auto& result = group.result;
  const bool is_ratio = !result.yardstick.empty();
  rows.push_back(row_of(group, result.what, measured_text(group), group.median(),
                        is_ratio ? std::nullopt : result.target, result.unit));
  if (result.target) add_ratio(group, result.yardstick, result.target, groups, rows);
  for (const auto& comparison : groups.comparisons) {
    if (comparison.what != result.what) continue;
    add_ratio(group, comparison.with, comparison.target, groups, rows);
  }
}

std::vector<SuiteRow> rows_of(const Groups& groups) {
  std::vector<SuiteRow> rows;
  for (const auto& name : groups.names) add_rows(groups.by_name.at(name), groups, rows);
  return rows;
}

void print_machines(const Groups& groups) {
  for (const auto& machine : groups.machines) {
    fmt::print("- ");
    for (const auto& [key, value] : machine.items()) {
      fmt::print("{}: {}; ", key, value.is_string() ? value.get<std::string>() : value.dump());
    }
    fmt::print("\n");
  }
}

bool is_missed(const SuiteRow& row) { return row.row.ok == "MISSED"; }

void print_missed(const std::vector<SuiteRow>& rows) {
  fmt::print("\n## Targets missed\n\n");
  if (std::none_of(rows.begin(), rows.end(), is_missed)) fmt::print("None.\n");
  for (const auto& missed : rows) {
    if (!is_missed(missed)) continue;
    const auto& row = missed.row;
    const bool is_ratio = row.what != missed.subject;
    fmt::print("- {}{}: {}, target {}", missed.subject, is_ratio ? "," + row.what.substr(1) : "",
               row.measured, row.target);
    fmt::print("{}\n", missed.note.empty() ? "" : ". Where the time went: " + missed.note);
  }
}

// So that nobody takes for met what was not measured.
void print_failed(const Groups& groups) {
  for (const auto& [step, status] : groups.failed) {
    fmt::print("- failed with exit code {}: {}\n", status, step);
  }
}

void print_page(const Groups& groups, const std::vector<SuiteRow>& rows) {
  fmt::print("# What was measured\n\n");
  print_machines(groups);
  print_missed(rows);
  if (!groups.failed.empty()) fmt::print("\n## Not measured\n\n");
  print_failed(groups);
  std::vector<std::string> suites;
  for (const auto& row : rows) {
    if (std::find(suites.begin(), suites.end(), row.suite) == suites.end()) {
      suites.push_back(row.suite);
    }
  }
  for (const auto& suite : suites) {
    fmt::print("\n## {}\n\n| what | measured | target | ok |\n|---|---|---|---|\n", suite);
    for (const auto& row : rows) {
      if (row.suite != suite) continue;
      fmt::print("| {} | {} | {} | {} |\n", row.row.what, row.row.measured, row.row.target,
                 row.row.ok);
    }
  }
}

void print_rows(const std::vector<SuiteRow>& rows) {
  std::vector<Row> table{{"what", "measured", "target", "ok"}};
  std::transform(rows.begin(), rows.end(), std::back_inserter(table),
                 [](const SuiteRow& row) { return row.row; });
  print_table(table);
}

int main_of(bool as_page) {
  const auto groups = read();
  const auto rows = rows_of(groups);
  if (as_page) {
    print_page(groups, rows);
  } else {
    print_rows(rows);
    print_failed(groups);
  }
  const bool met = groups.failed.empty() && std::none_of(rows.begin(), rows.end(), is_missed);
  return met ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  const bool as_page = argc > 1 && std::string_view(argv[1]) == "--markdown";
  return sluice::guard_main([as_page] { return sluice::bench::main_of(as_page); });
}
