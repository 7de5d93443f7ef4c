#pragma once

#include <sluice/run.hpp>

#include <string>

namespace sluice::observe {

/// A run's picture in Prometheus' text format (docs/observing.md lists the metrics).
/// https://prometheus.io/docs/instrumenting/exposition_formats/
std::string metrics_text(const RunStatus& status);

}  // namespace sluice::observe
