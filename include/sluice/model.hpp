#pragma once

#include <sluice/pipeline.hpp>
#include <sluice/process_stage.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

/// What several stages may have in common: where a model's code runs, and what it needs.
struct Model {
  std::string name;
  ProcessEnvironment env = {};
  std::optional<double> cpus = {};
  std::optional<double> gpus = {};
  std::optional<std::uint64_t> gpu_memory = {};
  std::optional<std::uint64_t> memory = {};
  std::optional<std::size_t> spmd = {};
  std::string settings = "{}";  ///< a JSON object
  std::vector<Artifact> artifacts = {};
};

/// The spec, with what it leaves at its default taken from the model.
StageSpec with_model(StageSpec spec, const Model& model);

/// The options, with their env taken from the model if they have none, and each of the model's
/// settings that they don't have.
ProcessOptions with_model(ProcessOptions options, const Model& model);

}  // namespace sluice
