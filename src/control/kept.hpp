#pragma once

#include "control/plan.hpp"
#include "control/problem.hpp"

namespace sluice::control {

/// What a plan has on each node, on the GPUs that it has them on, as far as there still is room.
Packing kept_packing(const Problem& problem, const Plan& plan);

/// One entry for all nodes that have the same room and hold the same units.
Packing alike_together(const std::vector<Alike>& nodes);

}  // namespace sluice::control
