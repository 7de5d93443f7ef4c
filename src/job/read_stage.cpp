#include "job/read_stage.hpp"

#include "job/check_settings.hpp"
#include "job/knobs.hpp"
#include "job/suggest.hpp"

#include <algorithm>

namespace sluice::job {
namespace {

constexpr std::string_view command_wanted =
    "a list of a program and its arguments, such as [\"python\", \"embed.py\"]";

std::string optional_text(const RawTable& table, const std::string& key, const std::string& prefix,
                          std::string_view wanted) {
  return table.contains(key) ? text_at(table, key, prefix, wanted) : std::string();
}

ProcessEnvironment read_env(const RawEnv& raw, const std::string& prefix) {
  ProcessEnvironment env;
  env.venv = optional_text(raw.keys, "venv", prefix, "a folder, such as \"envs/minilm\"");
  env.conda = optional_text(raw.keys, "conda", prefix, "an environment's name, or its folder");
  env.container = optional_text(raw.keys, "container", prefix, "an image, such as \"minilm.sif\"");
  if (const auto it = raw.keys.find("modules"); it != raw.keys.end()) {
    env.modules = require(to_text_list(it->second), it->second, prefix + "modules",
                          "a list of modules, such as [\"cuda/12\"]");
  }
  for (const auto& [name, value] : raw.variables) {
    env.variables[name] =
        require(to_text(value), value, fmt::format("{}variables.{}", prefix, name), "a string");
  }
  return env;
}

std::vector<Artifact> read_artifacts(const std::vector<RawTable>& raw, const Place& place,
                                     const std::string& path) {
  std::vector<Artifact> artifacts;
  for (const auto& table : raw) {
    for (const auto* key : {"uri", "dest"}) {
      if (table.contains(key)) continue;
      throw UsageError(fmt::format(
          "{}: '{}': each artifact needs uri and dest, and one has no {}",
          table.empty() ? place.text() : table.begin()->second.place.text(), path, key));
    }
    const auto prefix = path + ".";
    Artifact artifact{
        text_at(table, "uri", prefix, "a path, or \"s3://bucket/key\""),
        text_at(table, "dest", prefix, "a place, such as \"$SLUICE_NODE_DIR/model\"")};
    if (const auto it = table.find("unpack"); it != table.end()) {
      artifact.unpack = require(to_boolean(it->second), it->second, prefix + "unpack",
                                wanted_of(SettingType::boolean));
    }
    artifact.sha256 = optional_text(table, "sha256", prefix, "64 hexadecimal digits");
    artifacts.push_back(std::move(artifact));
  }
  return artifacts;
}

Model read_model(const RawModel& raw) {
  const auto path = "models." + raw.name;
  Model model;
  model.name = raw.name;
  if (raw.env) model.env = read_env(*raw.env, path + ".env.");
  StageSpec spec;
  apply_knobs(raw.keys, path, spec);
  const auto take = [&](const char* key, auto& to, const auto& from) {
    if (raw.keys.contains(key)) to = from;
  };
  take("cpus", model.cpus, spec.cpus);
  take("gpus", model.gpus, spec.gpus);
  take("gpu_memory", model.gpu_memory, spec.gpu_memory);
  take("memory", model.memory, spec.memory);
  take("spmd", model.spmd, spec.spmd);
  model.settings = raw.settings_json;
  if (raw.artifacts) {
    model.artifacts = read_artifacts(*raw.artifacts, raw.place, path + ".artifacts");
  }
  return model;
}

void take_model(const RawStage& raw, const std::vector<ModelEntry>& models, StageEntry& stage) {
  const auto name =
      text_at(raw.keys, "model", fmt::format("stage.{}.", raw.name), "a model's name");
  std::vector<std::string> names;
  for (const auto& model : models) {
    names.push_back(model.model.name);
    if (names.back() != name) continue;
    stage.model = model.model;
    stage.model_settings = model.settings;
    return;
  }
  throw UsageError(
      fmt::format("{}: stage '{}' names the unknown model '{}'{}a model is a table "
                  "[models.NAME]",
                  raw.keys.at("model").place.text(), raw.name, name, did_you_mean(name, names)));
}

void read_use(const RawStage& raw, const std::string& prefix, StageEntry& stage) {
  stage.use = text_at(raw.keys, "use", prefix, "a stage kind, such as \"fs.read\"");
  stage.use_place = raw.keys.at("use").place;
  if (raw.keys.contains("plugin")) {
    stage.plugin = text_at(raw.keys, "plugin", prefix, "a path, such as \"build/libmine.so\"");
  }
}

void read_command(const RawStage& raw, const std::string& prefix, StageEntry& stage) {
  const auto& value = raw.keys.at("command");
  stage.use_place = value.place;
  const auto* command = std::get_if<std::vector<std::string>>(&value.value);
  if (command == nullptr || command->empty()) {
    throw_wrong_value(value, prefix + "command", command_wanted);
  }
  stage.command = *command;
  if (const auto it = raw.keys.find("shared_memory"); it != raw.keys.end()) {
    auto size = to_size(it->second);
    if (size && *size == 0) size.reset();
    stage.shared_memory =
        require(size, it->second, prefix + "shared_memory", wanted_of(SettingType::size));
  }
  if (const auto it = raw.keys.find("start_timeout"); it != raw.keys.end()) {
    stage.start_timeout = require(to_duration(it->second), it->second, prefix + "start_timeout",
                                  wanted_of(SettingType::duration));
  }
}

void require_either(const RawStage& raw) {
  const bool uses = raw.keys.contains("use");
  const bool commands = raw.keys.contains("command");
  if (uses != commands) return;
  throw UsageError(fmt::format(
      "{}: stage '{}' {}; it takes use = \"KIND\" ('sluice stages' lists the kinds) or command = "
      "[\"PROGRAM\", …] (a program in any language)",
      raw.place.text(), raw.name, uses ? "has both use and command" : "does not say what it is"));
}

// Keys that make sense for one of the two alone.
void refuse_strays(const RawStage& raw, const StageEntry& stage) {
  const auto refuse = [&](const Place& place, const std::string& what, const std::string& why) {
    throw UsageError(
        fmt::format("{}: stage '{}' has {}, but {}", place.text(), raw.name, what, why));
  };
  if (!stage.command.empty()) {
    const auto it = raw.keys.find("plugin");
    if (it != raw.keys.end()) refuse(it->second.place, "a plugin", "a command takes none");
    const auto inputs = raw.keys.find("inputs");
    if (inputs != raw.keys.end() && to_text(inputs->second) != "host") {
      refuse(inputs->second.place, "inputs", "a process of its own gets them in host memory");
    }
    return;
  }
  const std::string inside =
      "its kind runs inside sluice, not in a process of its own; only a stage with a command can "
      "have that";
  for (const auto* key : {"shared_memory", "start_timeout"}) {
    const auto it = raw.keys.find(key);
    if (it != raw.keys.end()) refuse(it->second.place, key, inside);
  }
  if (raw.env) refuse(raw.place, "an env", inside);
  if (stage.model && !stage.model->env.empty()) {
    refuse(raw.place, fmt::format("a model with an env ('{}')", stage.model->name), inside);
  }
}

}  // namespace

std::string text_at(const RawTable& table, const std::string& key, const std::string& prefix,
                    std::string_view wanted) {
  const auto& value = table.at(key);
  auto text = to_text(value);
  if (text && text->empty()) text.reset();
  return require(text, value, prefix + key, wanted);
}

std::vector<ModelEntry> read_models(const std::vector<RawModel>& raw) {
  std::vector<ModelEntry> models;
  for (const auto& model : raw) models.push_back({read_model(model), model.settings});
  return models;
}

StageEntry read_stage(const RawStage& raw, const std::vector<ModelEntry>& models) {
  const std::string prefix = fmt::format("stage.{}.", raw.name);
  if (raw.keys.contains("name")) text_at(raw.keys, "name", prefix, "a name, such as \"read\"");
  require_either(raw);
  StageEntry stage;
  stage.name = raw.name;
  stage.keys = raw.keys;
  stage.settings = raw.settings;
  stage.settings_json = raw.settings_json;
  stage.place = raw.place;
  if (raw.keys.contains("use")) read_use(raw, prefix, stage);
  if (raw.keys.contains("command")) read_command(raw, prefix, stage);
  if (raw.env) stage.env = read_env(*raw.env, prefix + "env.");
  if (raw.artifacts) {
    stage.artifacts = read_artifacts(*raw.artifacts, raw.place, prefix + "artifacts");
  }
  if (raw.keys.contains("model")) take_model(raw, models, stage);
  refuse_strays(raw, stage);
  StageSpec defaults;
  apply_knobs(raw.keys, "stage." + raw.name, defaults);
  return stage;
}

}  // namespace sluice::job
