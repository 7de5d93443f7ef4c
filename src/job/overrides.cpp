#include "job/overrides.hpp"

#include "job/known_keys.hpp"

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <memory>

namespace sluice::job {
namespace {

[[noreturn]] void fail(const std::string& set, const std::string& reason) {
  throw UsageError(fmt::format(
      "--set {}: {}; write it as --set stage.NAME.KEY=VALUE, --set stage.NAME.settings.KEY=VALUE, "
      "--set pipeline.KEY=VALUE or --set input.KEY=VALUE",
      set, reason));
}

// The one key of the table, or null if it has not exactly one.
toml::node* only_child(toml::table& table) {
  return table.size() == 1 ? &table.begin()->second : nullptr;
}

// `a."b c".d` as its three parts: TOML's own rules for dotted keys.
std::vector<std::string> split_path(const std::string& set, const std::string& key) {
  toml::table table;
  try {
    table = toml::parse(key + " = 0");
  } catch (const toml::parse_error&) {
    fail(set, fmt::format("'{}' is not a key", key));
  }
  std::vector<std::string> path;
  for (toml::table* at = &table; at != nullptr;) {
    auto* child = only_child(*at);
    if (child == nullptr) fail(set, fmt::format("'{}' is not one key", key));
    path.emplace_back(at->begin()->first.str());
    at = child->as_table();
  }
  return path;
}

// `value = VALUE` as a table, or nothing if VALUE is not one TOML value.
std::optional<toml::table> parse_assignment(const std::string& value, const std::string& source) {
  try {
    auto table = toml::parse("value = " + value, source);
    return only_child(table) != nullptr ? std::optional(std::move(table)) : std::nullopt;
  } catch (const toml::parse_error&) {
    return std::nullopt;
  }
}

toml::table assignment(const std::string& value, const std::string& source) {
  if (auto table = parse_assignment(value, source)) return *std::move(table);
  // JSON's way of writing a string is TOML's too.
  auto table = parse_assignment(
      nlohmann::json(value).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace), source);
  if (!table) throw UsageError(fmt::format("{}: the value cannot be read", source));
  return *std::move(table);
}

toml::table& stage_named(toml::table& job, const std::string& set, const std::string& name) {
  std::vector<std::string> names;
  if (auto* stages = job["stage"].as_array()) {
    for (std::size_t i = 0; i < stages->size(); ++i) {
      auto* stage = stages->get(i)->as_table();
      if (stage == nullptr) continue;
      names.push_back(stage_name(*stage, i));
      if (names.back() == name) return *stage;
    }
  }
  fail(set, fmt::format("the job file has no stage '{}' (it has: {})", name,
                        names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))));
}

toml::table& table_in(toml::table& parent, const std::string& set, const std::string& name) {
  if (!parent.contains(name)) parent.insert(name, toml::table{});
  auto* table = parent[name].as_table();
  if (table == nullptr) fail(set, fmt::format("'{}' is not a table", name));
  return *table;
}

// A source of the input replaces the one that the file names.
void drop_other_sources(toml::table& input, const std::string& key) {
  const auto& sources = input_sources();
  if (std::find(sources.begin(), sources.end(), key) == sources.end()) return;
  for (const auto& source : sources) input.erase(source);
}

void apply(toml::table& job, const std::string& set) {
  const auto equals = set.find('=');
  if (equals == std::string::npos) fail(set, "there is no '='");
  const auto path = split_path(set, set.substr(0, equals));
  toml::table* at = &job;
  std::size_t next = 0;
  if (path[0] == "stage") {
    if (path.size() < 3) fail(set, "the key names no stage, or nothing of the stage");
    at = &stage_named(job, set, path[1]);
    next = 2;
  }
  for (; next + 1 < path.size(); ++next) at = &table_in(*at, set, path[next]);
  if (path[0] == "input" && path.size() == 2) drop_other_sources(*at, path[1]);
  auto value = assignment(set.substr(equals + 1), std::string(set_prefix) + set);
  at->insert_or_assign(path.back(), std::move(*value.get("value")));
}

}  // namespace

std::string stage_name(const toml::table& stage, std::size_t index) {
  const auto name = stage["name"].value<std::string>();
  return name ? *name : fmt::format("stage-{}", index + 1);
}

void apply_overrides(toml::table& job, const std::vector<std::string>& sets) {
  for (const auto& set : sets) apply(job, set);
}

RawValue parse_value(const std::string& text) {
  const auto table = assignment(text, std::string(set_prefix) + "value=" + text);
  return raw_value(*table.get("value"));
}

}  // namespace sluice::job
