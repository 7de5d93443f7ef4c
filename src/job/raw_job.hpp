#pragma once

#include "job/raw_value.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::job {

struct RawStage {
  std::string name;  ///< given or "stage-N"
  RawTable keys;     ///< without `settings`
  RawTable settings;
  Place place;
};

/// The tables of a job file, their keys known but the values unchecked.
struct RawJob {
  RawTable pipeline;
  RawTable input;
  RawTable store;
  std::vector<RawStage> stages;
};

/// Parses TOML, applies each --set, and refuses keys that this version does not know.
RawJob read_raw_job(std::string_view text, const std::string& file,
                    const std::vector<std::string>& sets);

}  // namespace sluice::job
