#pragma once

#include <sluice/run.hpp>

#include <nlohmann/json_fwd.hpp>

#include <vector>

namespace sluice::observe {

/// A run's picture as JSON, and back: what "history.jsonl" has on each line (docs/observing.md).
/// Times in seconds, those of a stage summed over its workers.
nlohmann::ordered_json to_json(const RunStatus& status);
nlohmann::ordered_json to_json(const std::vector<SlowBatch>& slowest);
/// Throws nlohmann's exceptions if something is missing or of another type.
RunStatus status_of(const nlohmann::ordered_json& json);

}  // namespace sluice::observe
