#include "cli/commands.hpp"
#include "cli/default_text.hpp"
#include "job/build.hpp"
#include "job/check_settings.hpp"
#include "job/known_keys.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

namespace sluice::cli {
namespace {

// What is not a value as it would stand in a job file is Markdown already.
std::string code_of(const std::string& fallback) {
  return fallback.starts_with('"') ? fmt::format("`{}`", fallback) : fallback;
}

std::string keys_table(const std::vector<job::KeySpec>& keys) {
  const bool defaults =
      std::any_of(keys.begin(), keys.end(), [](const auto& key) { return !key.fallback.empty(); });
  std::string table = defaults ? "| key | type | default | meaning |\n|---|---|---|---|\n"
                               : "| key | type | meaning |\n|---|---|---|\n";
  for (const auto& key : keys) {
    table += fmt::format("| `{}` | {} | ", key.name, key.type);
    if (defaults) table += key.fallback.empty() ? "| " : code_of(key.fallback) + " | ";
    table += key.help + " |\n";
  }
  return table;
}

std::string settings_table(const StageKind& kind) {
  auto text =
      fmt::format("{}\n\n| setting | type | default | meaning |\n|---|---|---|---|\n", kind.help);
  for (const auto& setting : kind.settings) {
    text += fmt::format("| `{}` | {} | {} | {} |\n", setting.name, job::name_of(setting.type),
                        code_of(default_text(setting)), setting.help);
  }
  return text;
}

std::string listed(const std::vector<std::string>& names) {
  return fmt::format("`{}`\n", fmt::join(names, "`, `"));
}

// The parts of the reference, by their names.
std::map<std::string, std::string> reference() {
  auto pipeline = job::pipeline_keys().supported;
  const auto& common = job::common_stage_keys();
  std::erase_if(pipeline, [&](const auto& key) {
    return std::find(common.begin(), common.end(), key.name) != common.end();
  });
  std::map<std::string, std::string> parts{
      {"keys of pipeline", keys_table(pipeline)},
      {"keys of pipeline for all stages", listed(common)},
      {"keys of input", keys_table(job::input_keys().supported)},
      {"keys of store", keys_table(job::store_keys().supported)},
      {"keys of stage", keys_table(job::stage_keys().supported)},
      {"keys of a model", listed(job::names_of(job::model_keys().supported))},
      {"keys of env", keys_table(job::env_keys().supported)},
      {"keys of an artifact", keys_table(job::artifact_keys().supported)}};
  const auto registry = job::builtin_stages();
  for (const auto& [name, kind] : registry.kinds()) {
    parts.emplace("settings of " + name, settings_table(kind));
  }
  return parts;
}

}  // namespace

int print_reference(const ReferenceArguments& arguments) {
  const auto parts = reference();
  if (arguments.part.empty()) {
    for (const auto& [name, text] : parts) fmt::print("{}\n", name);
    return 0;
  }
  const auto part = parts.find(arguments.part);
  if (part == parts.end()) throw UsageError(fmt::format("there is no part '{}'", arguments.part));
  fmt::print("{}", part->second);
  return 0;
}

}  // namespace sluice::cli
