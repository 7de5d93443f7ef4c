#pragma once

#include "job/raw_value.hpp"

#include <sluice/pipeline.hpp>

#include <string>

namespace sluice::job {

/// Writes the knobs among the keys of a table (batch_size, speed, workers, …) into `spec`. Throws
/// UsageError for a wrong type or range; `path` names the table: "pipeline", "stage.read".
void apply_knobs(const RawTable& keys, const std::string& path, StageSpec& spec);

/// Writes those of a kind's own defaults into `spec` that differ from every stage's.
void apply_defaults(const StageSpec& own, StageSpec& spec);

}  // namespace sluice::job
