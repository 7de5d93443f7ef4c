#pragma once

#include "runtime/simulation.hpp"

#include <string>

namespace sluice::cli {

/// What a simulated run came to, for people. The same simulation gives the same text.
std::string text_of(const std::string& name, const runtime::Simulation& simulation,
                    const runtime::SimulationResult& result);

/// The same as JSON.
std::string json_of(const std::string& name, const runtime::Simulation& simulation,
                    const runtime::SimulationResult& result);

/// How many workers one coordinator could serve at these batch times, if each control message takes
/// it as long as the simulation says.
double workers_at_saturation(const runtime::SimulationResult& result);

}  // namespace sluice::cli
