#include "job/raw_job.hpp"

#include "job/known_keys.hpp"
#include "job/overrides.hpp"
#include "job/toml_value.hpp"

namespace sluice::job {
namespace {

constexpr std::string_view stage_hint =
    "what only this kind of stage takes goes into its table of settings: settings = { … }";

// The table at `key`, empty if it is absent.
RawTable table_at(const toml::table& parent, const std::string& key, const std::string& path) {
  const auto* node = parent.get(key);
  if (node == nullptr) return {};
  const auto* table = node->as_table();
  if (table == nullptr) throw_wrong_value(raw_value(*node), path, "a table");
  return raw_table(*table);
}

RawStage read_stage(const toml::table& table, std::size_t index) {
  RawStage stage{stage_name(table, index), raw_table(table), {}, place_of(table)};
  const std::string prefix = fmt::format("stage.{}.", stage.name);
  refuse_unknown_keys(stage.keys, prefix, stage_keys(), stage_hint);
  stage.settings = table_at(table, "settings", prefix + "settings");
  stage.keys.erase("settings");
  return stage;
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
  refuse_unknown_keys(raw_table(root), "", root_keys(), "docs/job-file.md describes the keys");
  RawJob job{table_at(root, "pipeline", "pipeline"),
             table_at(root, "input", "input"),
             table_at(root, "store", "store"),
             {}};
  const std::string_view hint = "docs/job-file.md describes the keys";
  refuse_unknown_keys(job.pipeline, "pipeline.", pipeline_keys(), hint);
  refuse_unknown_keys(job.input, "input.", input_keys(), hint);
  refuse_unknown_keys(job.store, "store.", store_keys(), hint);
  job.stages = read_stages(root);
  return job;
}

}  // namespace sluice::job
