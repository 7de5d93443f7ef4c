#include "job/command_stage.hpp"

namespace sluice::job {
namespace {

ProcessOptions options_of(const StageEntry& entry, const StageSpec& spec) {
  ProcessOptions options{entry.command};
  options.settings = entry.settings_json;
  if (entry.model) options = with_model(options, *entry.model);
  if (entry.env) options.env = *entry.env;  // even if it is there to say: none
  options.shared_memory = entry.shared_memory.value_or(options.shared_memory);
  options.start_timeout = entry.start_timeout.value_or(options.start_timeout);
  options.batch_size = spec.batch_size;
  options.spmd = spec.spmd;
  return options;
}

}  // namespace

void apply_model(const Model& model, StageSpec& spec) {
  if (model.cpus) spec.cpus = *model.cpus;
  if (model.gpus) spec.gpus = *model.gpus;
  if (model.gpu_memory) spec.gpu_memory = *model.gpu_memory;
  if (model.memory) spec.memory = *model.memory;
  if (model.spmd) spec.spmd = *model.spmd;
  spec.artifacts = model.artifacts;
}

JobStage command_stage(const StageEntry& entry, const StageSpec& spec) {
  const auto options = options_of(entry, spec);
  JobStage stage{spec, {}, {}, ProcessStage(options).description()};
  stage.kind.name = "command";
  stage.kind.make = [options](const Settings&) { return std::make_unique<ProcessStage>(options); };
  return stage;
}

}  // namespace sluice::job
