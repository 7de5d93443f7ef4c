#pragma once

#include "control/plan.hpp"

#include <vector>

namespace sluice::control {

/// The plan of a run whose stages run one after the other (batch mode): each has all nodes to
/// itself, and as many workers as fit. Of each stage `utilisation` is its share of the run's time,
/// and the bottleneck is the one that takes most of it. Throws as `make_plan` does.
Plan make_batch_plan(const std::vector<StageDemand>& stages, const Topology& topology);

}  // namespace sluice::control
