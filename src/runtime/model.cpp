#include <sluice/error.hpp>
#include <sluice/model.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace sluice {
namespace {

nlohmann::json object_of(const std::string& settings, const Model& model) {
  auto json = nlohmann::json::parse(settings, nullptr, false);
  if (json.is_object()) return json;
  throw UsageError(
      fmt::format("model '{}': settings must be a JSON object, not {}", model.name, settings));
}

}  // namespace

StageSpec with_model(StageSpec spec, const Model& model) {
  const StageSpec usual;
  const auto fill = [&](auto StageSpec::*knob, const auto& own) {
    if (own && spec.*knob == usual.*knob) spec.*knob = *own;
  };
  fill(&StageSpec::cpus, model.cpus);
  fill(&StageSpec::gpus, model.gpus);
  fill(&StageSpec::gpu_memory, model.gpu_memory);
  fill(&StageSpec::memory, model.memory);
  fill(&StageSpec::spmd, model.spmd);
  if (spec.artifacts.empty()) spec.artifacts = model.artifacts;
  return spec;
}

ProcessOptions with_model(ProcessOptions options, const Model& model) {
  if (options.env.empty()) options.env = model.env;
  auto settings = object_of(model.settings, model);
  settings.update(object_of(options.settings, model));
  options.settings = settings.dump();
  return options;
}

}  // namespace sluice
