#include "job/known_keys.hpp"

#include "job/suggest.hpp"

#include <algorithm>

namespace sluice::job {
namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

const KnownKeys& root_keys() {
  static const KnownKeys keys{{"pipeline", "input", "store", "models", "stage"},
                              {"topology", "env"}};
  return keys;
}

const KnownKeys& pipeline_keys() {
  static const KnownKeys keys{{"name",
                               "mode",
                               "run_dir",
                               "autoscale",
                               "commit_every",
                               "keep_intermediates",
                               "grace",
                               "heartbeat_timeout",
                               "stop_before_end",
                               "max_dead_letters",
                               "attempts",
                               "batch_size",
                               "batch_wait",
                               "cpus",
                               "max_worker_lifetime",
                               "memory",
                               "on_failure",
                               "over_provision",
                               "setup_attempts",
                               "slots",
                               "stall_after",
                               "workers",
                               "workers_per_node"},
                              {"byte_budget", "env", "speed"}};
  return keys;
}

const KnownKeys& input_keys() {
  static const KnownKeys keys{{"files", "list", "jsonl", "keys", "s3", "limit", "shard"}, {}};
  return keys;
}

const KnownKeys& store_keys() {
  static const KnownKeys keys{{"uri", "compression", "publish_every"}, {}};
  return keys;
}

const KnownKeys& stage_keys() {
  static const KnownKeys keys{{"name",           "use",
                               "command",        "env",
                               "model",          "artifacts",
                               "shared_memory",  "start_timeout",
                               "plugin",         "settings",
                               "batch_size",     "speed",
                               "selectivity",    "over_provision",
                               "cpus",           "gpus",
                               "memory",         "spmd",
                               "workers",        "workers_per_node",
                               "slots",          "depth",
                               "batch_wait",     "byte_budget",
                               "attempts",       "on_failure",
                               "setup_attempts", "max_worker_lifetime",
                               "stall_after"},
                              {"resources"}};
  return keys;
}

const KnownKeys& model_keys() {
  static const KnownKeys keys{{"env", "settings", "artifacts", "cpus", "gpus", "memory", "spmd"},
                              {}};
  return keys;
}

const KnownKeys& env_keys() {
  static const KnownKeys keys{{"venv", "conda", "modules", "container", "variables"}, {}};
  return keys;
}

const KnownKeys& artifact_keys() {
  static const KnownKeys keys{{"uri", "dest", "unpack", "sha256"}, {}};
  return keys;
}

const std::vector<std::string>& input_sources() {
  static const std::vector<std::string> sources{"files", "list", "jsonl", "keys", "s3"};
  return sources;
}

void refuse_unknown_keys(const RawTable& table, const std::string& prefix, const KnownKeys& keys,
                         std::string_view hint) {
  for (const auto& [name, value] : table) {
    if (contains(keys.supported, name)) continue;
    if (contains(keys.planned, name)) {
      throw UsageError(fmt::format("{}: key '{}{}' is not supported by this version of sluice",
                                   value.place.text(), prefix, name));
    }
    throw UsageError(fmt::format("{}: unknown key '{}{}'{}{}", value.place.text(), prefix, name,
                                 did_you_mean(name, keys.supported), hint));
  }
}

}  // namespace sluice::job
