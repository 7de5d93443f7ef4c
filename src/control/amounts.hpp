#pragma once

#include "control/packing.hpp"

#include <array>
#include <vector>

namespace sluice::control {

/// What nodes have free, or what one unit takes: cpus and GPUs in millionths, memory, ranks.
using Amounts = std::array<double, 4>;

Amounts amounts_of(const Unit& unit);
Amounts amounts_in(const Packing& packing);

/// What such units can use at most of what is free on each node: for as many cpus as it has, it may
/// have too few ranks, say.
Amounts usable_in(const Packing& packing, const std::vector<Unit>& units);

/// The largest part of a resource that the unit takes of all there is.
double dominant(const Unit& unit, const Amounts& all);

}  // namespace sluice::control
