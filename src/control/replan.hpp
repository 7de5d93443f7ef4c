#pragma once

#include "control/allocation.hpp"
#include "control/plan.hpp"

namespace sluice::control {

/// Turns `current` into an allocation with what `fresh` needs, moving few workers: those that are
/// there stay, missing ones get free room first, then that of workers that are more than needed,
/// and only then do others give way. If more than 2% of the moves go to such others, up to 1% of
/// the throughput is given up where that saves moves. If all that fails, `fresh`.
Allocation replan(const Problem& problem, const Plan& current, const Allocation& fresh);

}  // namespace sluice::control
