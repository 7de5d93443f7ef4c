#pragma once

#include <sluice/run.hpp>

#include <string>

namespace sluice::bench {

/// Where the time went, by the run's own accounting: for a result's note.
std::string accounting_of(const RunStatus& status, double cores);

/// The share of its workers' time that the busiest stage spent in `process`.
double utilisation_of_bottleneck(const RunStatus& status);

}  // namespace sluice::bench
