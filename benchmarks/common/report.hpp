#pragma once

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>
#include <vector>

namespace sluice::bench {

enum class Aim { at_least, at_most };

struct Target {
  Aim aim = Aim::at_least;
  double value = 0;
};

/// One number that a benchmark measured.
struct Result {
  std::string what;
  double value = 0;
  std::string unit;
  std::optional<Target> target = {};
  /// `what` of the result that this one is divided by before it is held against the target.
  std::string yardstick = {};
  /// Where the time went, in a few words.
  std::string note = {};
};

void to_json(nlohmann::json& json, const Result& result);
void from_json(const nlohmann::json& json, Result& result);

bool meets(double value, const Target& target);

/// A row of the table for people: what, measured, target, ok.
struct Row {
  std::string what;
  std::string measured;
  std::string target;
  std::string ok;
};
std::string number_text(double value);
std::string target_text(const Target& target, const std::string& unit);
void print_table(const std::vector<Row>& rows);

/// Prints results as JSON, one object a line, or as a table.
void print(const std::vector<Result>& results, bool as_json);

}  // namespace sluice::bench
