#pragma once

#include "control/room.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace sluice::control {

using Counts = std::vector<std::uint64_t>;

/// Nodes that have the same room and hold the same units: what is done to one is done to all, so
/// that a thousand equal nodes cost little more than one.
struct Alike {
  std::vector<std::uint32_t> nodes;
  Room room;
  Counts units;                                  ///< of each stage, on each of the nodes
  std::vector<std::vector<std::uint32_t>> gpus;  ///< of each stage's units, in their order

  void take(std::size_t stage, const Unit& unit, std::uint64_t count) {
    room.take(unit, count, gpus[stage]);
    units[stage] += count;
  }
  /// Gives back unit `number` of those that each node holds of the stage.
  void take_off(std::size_t stage, const Unit& unit, std::uint64_t number);
};

/// What every node holds.
using Packing = std::vector<Alike>;

Packing empty_packing(const Topology& topology, std::size_t stages);

/// Units of each stage on all nodes.
Counts units_in(const Packing& packing, std::size_t stages);

/// How a stage's units are dealt out to the nodes.
enum class Fill {
  spread,  ///< evenly over all nodes
  tight,   ///< node by node, first where they leave least unused (best fit)
  roomy,   ///< node by node, first where they leave most
};

/// A greedy way to pack: the stages in an order, and how each is dealt out.
struct Step {
  std::size_t stage = 0;
  Fill fill = Fill::spread;
};
using Rule = std::vector<Step>;

/// Places units on top of what `packing` holds until each stage has as many as `wanted`, or nothing
/// if the rule finds no room. Bulk variant of best-fit decreasing; for rules with several resources
/// see Panigrahy et al., Heuristics for Vector Bin Packing (2011).
std::optional<Packing> pack(Packing packing, const std::vector<Unit>& units, const Counts& wanted,
                            const Rule& rule);

/// The first `nodes` of those alike at `index`; the others become an entry of their own at the end.
Alike& split(Packing& packing, std::size_t index, std::uint64_t nodes);

/// Places `count` more units of a stage; false, with some of them placed, if there is no room.
bool place(Packing& packing, std::size_t stage, const Unit& unit, std::uint64_t count, Fill fill);

/// The same by backtracking, for few nodes: finds a packing if there is one, unless it takes more
/// than `budget` steps. Adds the steps that it took to `spent`.
std::optional<Packing> pack_by_search(const Packing& packing, const std::vector<Unit>& units,
                                      const Counts& wanted, const std::vector<std::size_t>& order,
                                      std::uint64_t budget, std::uint64_t& spent);

/// From a packing that is not complete: a unit without room puts others out of a node, which then
/// look for room themselves, with chance in it. What `fixed` holds stays. `sizes` says how large a
/// unit of each stage is: it is better to put out small ones. Adds the steps, and the units that it
/// tried to put out, to `spent`.
std::optional<Packing> pack_by_repair(const Packing& packing, const Packing& fixed,
                                      const std::vector<Unit>& units, const Counts& wanted,
                                      const std::vector<double>& sizes, std::uint64_t steps,
                                      std::uint64_t seed, std::uint64_t& spent);

}  // namespace sluice::control
