#include "cli/commands.hpp"
#include "cli/default_text.hpp"
#include "job/build.hpp"
#include "job/check_settings.hpp"
#include "job/plugin.hpp"
#include "job/suggest.hpp"

#include <sluice/error.hpp>
#include <sluice/registry.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

StageRegistry registry_of(const StagesArguments& arguments) {
  auto registry = job::builtin_stages();
  for (const auto& path : arguments.plugins) {
    job::load_plugin(path, "--plugin " + path, registry);
  }
  return registry;
}

std::vector<const StageKind*> chosen(const StageRegistry& registry, const std::string& name) {
  std::vector<const StageKind*> kinds;
  std::vector<std::string> names;
  for (const auto& [known, kind] : registry.kinds()) {
    names.push_back(known);
    if (name.empty() || name == known) kinds.push_back(&kind);
  }
  if (!kinds.empty()) return kinds;
  throw UsageError(fmt::format(
      "there is no stage kind '{}'{}'sluice stages' lists the kinds; --plugin PATH adds a plugin's",
      name, job::did_you_mean(name, names)));
}

// The knobs of which the kind has its own default.
std::vector<std::pair<std::string, Json>> own_defaults(const StageSpec& spec) {
  const StageSpec usual;
  std::vector<std::pair<std::string, Json>> knobs;
  if (spec.batch_size != usual.batch_size) knobs.emplace_back("batch_size", spec.batch_size);
  if (spec.speed) knobs.emplace_back("speed", *spec.speed);
  if (spec.cpus != usual.cpus) knobs.emplace_back("cpus", spec.cpus);
  if (spec.gpus != usual.gpus) knobs.emplace_back("gpus", spec.gpus);
  if (spec.memory != usual.memory) knobs.emplace_back("memory", spec.memory);
  if (spec.workers) knobs.emplace_back("workers", *spec.workers);
  if (spec.workers_per_node) knobs.emplace_back("workers_per_node", *spec.workers_per_node);
  if (spec.slots != usual.slots) knobs.emplace_back("slots", spec.slots);
  if (spec.depth != usual.depth) knobs.emplace_back("depth", spec.depth);
  return knobs;
}

Json to_json(const SettingSpec& setting) {
  Json json{{"name", setting.name}, {"type", job::name_of(setting.type)}};
  if (setting.required) {
    json["required"] = true;
  } else {
    json["default"] = setting.fallback;
  }
  json["help"] = setting.help;
  return json;
}

Json to_json(const StageKind& kind) {
  Json json{{"name", kind.name},
            {"help", kind.help},
            {"settings", Json::array()},
            {"defaults", Json::object()}};
  for (const auto& setting : kind.settings) json["settings"].push_back(to_json(setting));
  for (const auto& [name, value] : own_defaults(kind.defaults)) json["defaults"][name] = value;
  return json;
}

void print_settings(const StageKind& kind) {
  std::size_t names = 0;
  std::size_t defaults = 0;
  for (const auto& setting : kind.settings) {
    names = std::max(names, setting.name.size());
    defaults = std::max(defaults, default_text(setting).size());
  }
  for (const auto& setting : kind.settings) {
    fmt::print("    {:<{}}  {:<11}  {:<{}}  {}\n", setting.name, names, job::name_of(setting.type),
               default_text(setting), defaults, setting.help);
  }
}

void print_kind(const StageKind& kind) {
  fmt::print("{}\n    {}\n", kind.name, kind.help);
  print_settings(kind);
  std::string knobs;
  for (const auto& [name, value] : own_defaults(kind.defaults)) {
    knobs += fmt::format("{}{} = {}", knobs.empty() ? "" : ", ", name, value.dump());
  }
  if (!knobs.empty()) fmt::print("    unless the stage says otherwise: {}\n", knobs);
}

}  // namespace

int list_stages(const StagesArguments& arguments) {
  const auto registry = registry_of(arguments);
  const auto kinds = chosen(registry, arguments.kind);
  Json all = Json::array();
  for (const auto* kind : kinds) {
    if (arguments.json) {
      all.push_back(to_json(*kind));
    } else {
      print_kind(*kind);
    }
  }
  if (arguments.json) {
    fmt::print("{}\n", all.dump(2));
  } else if (arguments.kind.empty()) {
    fmt::print(
        "\nIn place of use = \"KIND\" a stage may have command = [\"PROGRAM\", …]: a program in "
        "any\n"
        "language, in an environment of its own; its settings are what it takes them to be\n"
        "(docs/process-stages.md).\n");
  }
  return 0;
}

}  // namespace sluice::cli
