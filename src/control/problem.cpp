#include "control/problem.hpp"

#include "control/shortage.hpp"

#include <algorithm>
#include <limits>

namespace sluice::control {
namespace {

bool fits_somewhere(const Unit& unit, const Packing& empty) {
  return std::any_of(empty.begin(), empty.end(),
                     [&](const Alike& alike) { return alike.room.most(unit) > 0; });
}

}  // namespace

Problem::Problem(const std::vector<StageDemand>& stages, const Topology& topology)
    : stages_(stages), topology_(topology), start_(empty_packing(topology, stages.size())) {
  const auto reaching = flows(stages);
  for (std::size_t i = 0; i < stages.size(); ++i) {
    reaches_.push_back(reaching[i] > 0
                           ? stages[i].speed.value_or(1) / (reaching[i] * stages[i].over_provision)
                           : std::numeric_limits<double>::infinity());
    least_.push_back(stages[i].workers.value_or(1));
  }
  require_ranks(stages, topology);
  choose_units();
  for (std::size_t i = 0; i < stages.size(); ++i) {
    if (stages[i].workers_per_node) pin_per_node(i);
  }
}

void Problem::choose_units() {
  for (const auto& stage : stages_) {
    units_.push_back(unit_of(stage, stage.group));
    pieces_.push_back(1);
    if (fits_somewhere(units_.back(), start_)) continue;
    units_.back() = unit_of(stage, 1);
    pieces_.back() = stage.group;
    if (!fits_somewhere(units_.back(), start_)) throw_fits_no_node(stage, topology_);
  }
}

// On every node that has worker ranks, and for a stage with GPUs some of those.
void Problem::pin_per_node(std::size_t stage) {
  const auto count = *stages_[stage].workers_per_node * pieces_[stage];
  std::uint64_t nodes = 0;
  for (auto& alike : start_) {
    const auto& node = topology_.nodes[alike.nodes.front()];
    if (node.workers == 0 || (units_[stage].gpu_count() > 0 && node.gpus == 0)) continue;
    if (alike.room.most(units_[stage]) < count) throw_pin_does_not_fit(stages_[stage], node);
    alike.take(stage, units_[stage], count);
    nodes += alike.nodes.size();
  }
  least_[stage] = *stages_[stage].workers_per_node * nodes;
}

Counts Problem::units_of(const Counts& workers) const {
  auto counts = workers;
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] *= pieces_[i];
  return counts;
}

bool Problem::ranks_are_given() const {
  return std::any_of(topology_.nodes.begin(), topology_.nodes.end(),
                     [](const Node& node) { return node.workers.has_value(); });
}

}  // namespace sluice::control
