#pragma once

#include "job/raw_value.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::job {

/// A table of an environment.
struct RawEnv {
  RawTable keys;  ///< without `variables`
  RawTable variables;
};

/// What a stage and a model have in common.
struct RawEntry {
  std::string name;
  RawTable keys;  ///< without `settings`, `env` and `artifacts`
  RawTable settings;
  std::string settings_json;  ///< the same, with whatever they hold
  std::optional<RawEnv> env;
  std::optional<std::vector<RawTable>> artifacts;
  Place place;
};

/// Its name is given or "stage-N".
using RawStage = RawEntry;
using RawModel = RawEntry;

/// The tables of a job file, their keys known but the values unchecked.
struct RawJob {
  RawTable pipeline;
  RawTable input;
  RawTable store;
  std::vector<RawModel> models;
  std::vector<RawStage> stages;
};

/// Parses TOML, applies each --set, and refuses keys that this version does not know.
RawJob read_raw_job(std::string_view text, const std::string& file,
                    const std::vector<std::string>& sets);

}  // namespace sluice::job
