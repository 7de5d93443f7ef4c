#pragma once

#include "job/raw_value.hpp"

#include <sluice/pipeline.hpp>

#include <string>

namespace sluice::job {

/// Writes the knobs among the keys of a stage (batch_size, speed, workers, …) into `spec`, which
/// holds the defaults. Throws UsageError for a wrong type or range; `stage` names the stage.
void apply_knobs(const RawTable& keys, const std::string& stage, StageSpec& spec);

}  // namespace sluice::job
