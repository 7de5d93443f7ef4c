#include "job/build.hpp"

#include "job/check_settings.hpp"
#include "job/command_stage.hpp"
#include "job/input.hpp"
#include "job/knobs.hpp"
#include "job/plugin.hpp"
#include "job/stages/kinds.hpp"
#include "job/suggest.hpp"

#include <algorithm>
#include <exception>
#include <set>

namespace sluice::job {
namespace {

std::string where(const StageEntry& stage) {
  return fmt::format("{}: stage '{}'", stage.use_place.text(), stage.name);
}

void load_plugins(const JobFile& job, StageRegistry& registry) {
  std::set<std::filesystem::path> loaded;
  for (const auto& stage : job.stages) {
    if (!stage.plugin) continue;
    std::error_code ignored;
    const auto file = std::filesystem::weakly_canonical(*stage.plugin, ignored);
    if (loaded.insert(file).second) load_plugin(*stage.plugin, where(stage), registry);
  }
}

const StageKind& kind_of(const StageEntry& stage, const StageRegistry& registry) {
  const auto* kind = registry.find(stage.use);
  if (kind != nullptr) return *kind;
  std::vector<std::string> names;
  for (const auto& known : registry.kinds()) names.push_back(known.first);
  throw UsageError(fmt::format(
      "{} uses the unknown stage kind '{}'{}'sluice stages' lists the kinds; a plugin's are known "
      "once the stage names it with plugin = \"PATH\"",
      where(stage), stage.use, did_you_mean(stage.use, names)));
}

// Says early, and on every rank, what the kind has against the settings.
void try_to_make(const StageEntry& entry, const JobStage& stage) {
  try {
    if (stage.kind.make(stage.settings) != nullptr) return;
  } catch (const PluginError&) {
    throw;
  } catch (const std::exception& error) {
    throw UsageError(
        fmt::format("{} ({}) refuses its settings: {}", where(entry), entry.use, error.what()));
  }
  throw PluginError(fmt::format("{} ({}) makes no stage", where(entry), entry.use));
}

// Those of the stage, and those of its model that it does not have.
RawTable settings_of(const StageEntry& entry) {
  auto settings = entry.settings;
  settings.insert(entry.model_settings.begin(), entry.model_settings.end());
  return settings;
}

// What the stage says counts most, then its model, then what is particular about its kind, then
// [pipeline].
JobStage build_stage(const StageEntry& entry, const StageSpec& defaults,
                     const StageRegistry& registry) {
  const StageKind* kind = entry.command.empty() ? &kind_of(entry, registry) : nullptr;
  auto spec = defaults;
  spec.name = entry.name;
  if (kind != nullptr) apply_defaults(kind->defaults, spec);
  if (entry.model) apply_model(*entry.model, spec);
  apply_knobs(entry.keys, "stage." + entry.name, spec);
  if (entry.artifacts) spec.artifacts = *entry.artifacts;  // even if it is there to say: none
  if (kind == nullptr) return command_stage(entry, spec);
  JobStage stage{
      spec, *kind, check_settings(*kind, settings_of(entry), entry.name, entry.place), {}};
  try_to_make(entry, stage);
  stage.description =
      fmt::format("{} {{{}}}", kind->name, canonical_settings(*kind, stage.settings));
  return stage;
}

ErasedStage erase(const JobStage& stage) {
  ErasedStage erased;
  erased.spec = stage.spec;
  erased.make = [make = stage.kind.make, settings = stage.settings] {
    return std::make_unique<TypedStage<Record, Record>>(make(settings));
  };
  using Continuous = ContinuousStage<Record, Record>;
  const auto one = stage.kind.make(stage.settings);
  erased.continuous = dynamic_cast<const Continuous*>(one.get()) != nullptr;
  erased.input = &record_type<Record>();
  erased.output = &record_type<Record>();
  erased.merge = stage.kind.merge;
  erased.description = stage.description;
  return erased;
}

// Shards that write one file would replace each other's.
void require_own_output(const JobStage& stage, const JobFile& job) {
  if (!job.input.shard || !stage.spec.writes_at_teardown) return;
  const auto& settings = stage.kind.settings;
  const bool has_path = std::any_of(settings.begin(), settings.end(),
                                    [](const auto& setting) { return setting.name == "path"; });
  if (!has_path) return;
  const std::filesystem::path path = stage.settings.string("path");
  if (!path.is_absolute() && *path.lexically_normal().begin() != "..") return;
  throw UsageError(fmt::format(
      "stage '{}': settings.path = \"{}\" is outside the run directory, where every shard would "
      "replace the others' file; give a relative path",
      stage.spec.name, path.string()));
}

AnyBatch batch_of(std::vector<Record> records) {
  AnyBatch batch;
  batch.ids.resize(records.size());
  for (std::size_t i = 0; i < records.size(); ++i) batch.ids[i].origin = i;
  batch.records = std::make_shared<std::vector<Record>>(std::move(records));
  return batch;
}

// Reads the input when asked for it, and remembers the keys for errors.
class Input {
 public:
  Input(InputEntry entry, std::shared_ptr<InputFacts> whole)
      : entry_(std::move(entry)), whole_(std::move(whole)) {}

  AnyBatch read() {
    auto records = read_input(entry_, whole_.get());
    keys_.clear();
    keys_.reserve(records.size());
    for (const auto& record : records) keys_.push_back(record.key);
    return batch_of(std::move(records));
  }
  std::string key(std::size_t index) const {
    return index < keys_.size() ? keys_[index] : fmt::format("#{}", index);
  }

 private:
  InputEntry entry_;
  std::shared_ptr<InputFacts> whole_;  ///< may be null
  std::vector<std::string> keys_;
};

}  // namespace

StageRegistry builtin_stages() {
  StageRegistry registry;
  for (const auto kind : {fs_read_kind, fs_write_kind, hdf5_write_kind, jsonl_write_kind,
                          s3_get_kind, s3_put_kind, synthetic_kind}) {
    registry.add(kind());
  }
  return registry;
}

std::vector<JobStage> build_stages(const JobFile& job, StageRegistry& registry) {
  load_plugins(job, registry);
  std::vector<JobStage> stages;
  for (const auto& entry : job.stages) {
    stages.push_back(build_stage(entry, job.defaults, registry));
    require_own_output(stages.back(), job);
  }
  return stages;
}

ErasedSpec build_spec(const JobFile& job, const std::vector<JobStage>& stages, RunOptions options,
                      std::shared_ptr<InputFacts> whole_input) {
  ErasedSpec spec;
  spec.name = job.name;
  for (const auto& stage : stages) spec.stages.push_back(erase(stage));
  const auto input = std::make_shared<Input>(job.input, std::move(whole_input));
  spec.input = [input] { return input->read(); };
  spec.key_of = [input](std::size_t index) { return input->key(index); };
  spec.options = std::move(options);
  return spec;
}

std::vector<std::string> output_hints(const std::vector<JobStage>& stages,
                                      const std::filesystem::path& run_dir) {
  std::vector<std::string> hints;
  for (const auto& stage : stages) {
    if (stage.kind.output_hint) hints.push_back(stage.kind.output_hint(stage.settings, run_dir));
  }
  return hints;
}

}  // namespace sluice::job
