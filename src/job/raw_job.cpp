#include "job/raw_job.hpp"

#include "job/known_keys.hpp"
#include "job/overrides.hpp"
#include "job/toml_json.hpp"
#include "job/toml_value.hpp"

namespace sluice::job {
namespace {

constexpr std::string_view stage_hint =
    "what only this kind of stage takes goes into its table of settings: settings = { … }";

constexpr std::string_view keys_hint = "docs/job-file.md describes the keys";

// The table at `key`, or null if it is absent.
const toml::table* find_table(const toml::table& parent, const std::string& key,
                              const std::string& path) {
  const auto* node = parent.get(key);
  if (node == nullptr) return nullptr;
  const auto* table = node->as_table();
  if (table == nullptr) throw_wrong_value(raw_value(*node), path, "a table");
  return table;
}

RawTable table_at(const toml::table& parent, const std::string& key, const std::string& path) {
  const auto* table = find_table(parent, key, path);
  return table == nullptr ? RawTable() : raw_table(*table);
}

RawEnv read_env(const toml::table& table, const std::string& path) {
  RawEnv env{raw_table(table), table_at(table, "variables", path + ".variables")};
  refuse_unknown_keys(env.keys, path + ".", env_keys(), keys_hint);
  env.keys.erase("variables");
  return env;
}

std::vector<RawTable> read_artifacts(const toml::node& node, const std::string& path) {
  constexpr std::string_view wanted =
      "a list of tables, such as [{ uri = \"s3://bucket/model\", dest = \"model\" }]";
  const auto* list = node.as_array();
  if (list == nullptr) throw_wrong_value(raw_value(node), path, wanted);
  std::vector<RawTable> artifacts;
  for (const auto& element : *list) {
    const auto* table = element.as_table();
    if (table == nullptr) throw_wrong_value(raw_value(element), path, wanted);
    artifacts.push_back(raw_table(*table));
    refuse_unknown_keys(artifacts.back(), path + ".", artifact_keys(), keys_hint);
  }
  return artifacts;
}

RawEntry read_entry(const toml::table& table, std::string name, const std::string& prefix) {
  RawEntry entry{std::move(name), raw_table(table), {}, "{}", {}, {}, place_of(table)};
  if (const auto* settings = find_table(table, "settings", prefix + "settings")) {
    entry.settings = raw_table(*settings);
    entry.settings_json = json_of(*settings, prefix + "settings");
  }
  if (const auto* env = find_table(table, "env", prefix + "env")) {
    entry.env = read_env(*env, prefix + "env");
  }
  if (const auto* artifacts = table.get("artifacts")) {
    entry.artifacts = read_artifacts(*artifacts, prefix + "artifacts");
  }
  for (const auto* own : {"settings", "env", "artifacts"}) entry.keys.erase(own);
  return entry;
}

RawStage read_stage(const toml::table& table, std::size_t index) {
  const auto name = stage_name(table, index);
  const std::string prefix = fmt::format("stage.{}.", name);
  refuse_unknown_keys(raw_table(table), prefix, stage_keys(), stage_hint);
  return read_entry(table, name, prefix);
}

std::vector<RawModel> read_models(const toml::table& root) {
  std::vector<RawModel> models;
  const auto* tables = find_table(root, "models", "models");
  if (tables == nullptr) return models;
  for (const auto& [key, node] : *tables) {
    const std::string name(key.str());
    const auto* table = find_table(*tables, name, "models." + name);
    const std::string prefix = fmt::format("models.{}.", name);
    refuse_unknown_keys(raw_table(*table), prefix, model_keys(), keys_hint);
    models.push_back(read_entry(*table, name, prefix));
  }
  return models;
}

std::vector<RawStage> read_stages(const toml::table& root) {
  std::vector<RawStage> stages;
  const auto* node = root.get("stage");
  if (node == nullptr) return stages;
  const auto* array = node->as_array();
  if (array == nullptr) throw_wrong_value(raw_value(*node), "stage", "tables headed [[stage]]");
  for (const auto& element : *array) {
    const auto* table = element.as_table();
    if (table == nullptr) throw_wrong_value(raw_value(element), "stage", "tables headed [[stage]]");
    stages.push_back(read_stage(*table, stages.size()));
  }
  return stages;
}

}  // namespace

RawJob read_raw_job(std::string_view text, const std::string& file,
                    const std::vector<std::string>& sets) {
  auto root = parse_toml(text, file);
  apply_overrides(root, sets);
  refuse_unknown_keys(raw_table(root), "", root_keys(), keys_hint);
  RawJob job{table_at(root, "pipeline", "pipeline"),
             table_at(root, "input", "input"),
             table_at(root, "store", "store"),
             read_models(root),
             {}};
  refuse_unknown_keys(job.pipeline, "pipeline.", pipeline_keys(), keys_hint);
  refuse_unknown_keys(job.input, "input.", input_keys(), keys_hint);
  refuse_unknown_keys(job.store, "store.", store_keys(), keys_hint);
  job.stages = read_stages(root);
  return job;
}

}  // namespace sluice::job
