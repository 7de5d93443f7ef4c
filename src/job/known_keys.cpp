#include "job/known_keys.hpp"

#include "job/key_tables.hpp"
#include "job/suggest.hpp"

#include <algorithm>

namespace sluice::job {
namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<KeySpec> stage_keys_named(const std::vector<std::string>& names) {
  std::vector<KeySpec> keys;
  for (const auto& key : stage_table()) {
    if (contains(names, key.name)) keys.push_back(key);
  }
  return keys;
}

std::vector<KeySpec> joined(std::vector<KeySpec> keys, const std::vector<KeySpec>& more) {
  keys.insert(keys.end(), more.begin(), more.end());
  return keys;
}

}  // namespace

const KnownKeys& root_keys() {
  static const KnownKeys keys{{{"pipeline"}, {"input"}, {"store"}, {"models"}, {"stage"}},
                              {"topology", "env"}};
  return keys;
}

const std::vector<std::string>& common_stage_keys() {
  static const std::vector<std::string> names{
      "attempts",    "batch_size", "batch_wait",      "cpus",           "max_worker_lifetime",
      "memory",      "on_failure", "over_provision",  "setup_attempts", "slots",
      "stall_after", "workers",    "workers_per_node"};
  return names;
}

const KnownKeys& pipeline_keys() {
  static const KnownKeys keys{joined(pipeline_table(), stage_keys_named(common_stage_keys())),
                              {"byte_budget", "env", "speed"}};
  return keys;
}

const KnownKeys& input_keys() {
  static const KnownKeys keys{input_table(), {}};
  return keys;
}

const KnownKeys& store_keys() {
  static const KnownKeys keys{store_table(), {}};
  return keys;
}

const KnownKeys& stage_keys() {
  static const KnownKeys keys{stage_table(), {"resources"}};
  return keys;
}

const KnownKeys& model_keys() {
  static const KnownKeys keys{stage_keys_named({"env", "settings", "artifacts", "cpus", "gpus",
                                                "gpu_memory", "memory", "spmd"}),
                              {}};
  return keys;
}

const KnownKeys& env_keys() {
  static const KnownKeys keys{env_table(), {}};
  return keys;
}

const KnownKeys& artifact_keys() {
  static const KnownKeys keys{artifact_table(), {}};
  return keys;
}

const std::vector<std::string>& input_sources() {
  static const std::vector<std::string> sources{"files", "list", "jsonl", "keys", "s3"};
  return sources;
}

std::vector<std::string> names_of(const std::vector<KeySpec>& keys) {
  std::vector<std::string> names;
  for (const auto& key : keys) names.push_back(key.name);
  return names;
}

void refuse_unknown_keys(const RawTable& table, const std::string& prefix, const KnownKeys& keys,
                         std::string_view hint) {
  const auto supported = names_of(keys.supported);
  for (const auto& [name, value] : table) {
    if (contains(supported, name)) continue;
    if (contains(keys.planned, name)) {
      throw UsageError(fmt::format("{}: key '{}{}' is not supported by this version of sluice",
                                   value.place.text(), prefix, name));
    }
    throw UsageError(fmt::format("{}: unknown key '{}{}'{}{}", value.place.text(), prefix, name,
                                 did_you_mean(name, supported), hint));
  }
}

}  // namespace sluice::job
