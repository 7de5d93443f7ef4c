#pragma once

#include "control/packing.hpp"

#include <vector>

namespace sluice::control {

/// Throws LaunchError if the launcher started fewer worker ranks than the stages need at least.
void require_ranks(const std::vector<StageDemand>& stages, const Topology& topology);

[[noreturn]] void throw_fits_no_node(const StageDemand& stage, const Topology& topology);
[[noreturn]] void throw_pin_does_not_fit(const StageDemand& stage, const Node& node);

/// The least of all stages fits no way that was tried: says which resource is short.
[[noreturn]] void throw_no_room(const std::vector<StageDemand>& stages, const Topology& topology,
                                const Counts& least);

}  // namespace sluice::control
