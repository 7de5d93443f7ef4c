#include "control/kept.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace sluice::control {
namespace {

// The node's GPUs that unit `number` of a share has.
std::vector<std::uint32_t> gpus_of(const Share& share, const Unit& unit, std::uint64_t number) {
  std::vector<std::uint32_t> gpus;
  const auto each = unit.gpu_count();
  for (auto i = number * each; i < (number + 1) * each && i < share.gpus.size(); ++i) {
    gpus.push_back(static_cast<std::uint32_t>(share.gpus[i].gpu));
  }
  return gpus;
}

void keep_share(const Share& share, std::size_t stage, const Unit& unit, Alike& node) {
  for (std::uint64_t i = 0; i < share.ranks / unit.ranks; ++i) {
    const auto gpus = gpus_of(share, unit, i);
    if (gpus.size() != unit.gpu_count() || !node.room.take_again(unit, gpus)) return;
    ++node.units[stage];
    node.gpus[stage].insert(node.gpus[stage].end(), gpus.begin(), gpus.end());
  }
}

}  // namespace

Packing alike_together(const std::vector<Alike>& nodes) {
  std::map<std::tuple<Room, Counts, std::vector<std::vector<std::uint32_t>>>, std::size_t> known;
  Packing packing;
  for (const auto& node : nodes) {
    const auto [it, is_new] = known.try_emplace({node.room, node.units, node.gpus}, packing.size());
    if (is_new) {
      packing.push_back(node);
    } else {
      packing[it->second].nodes.push_back(node.nodes.front());
    }
  }
  return packing;
}

Packing kept_packing(const Problem& problem, const Plan& current) {
  std::vector<Alike> nodes;
  for (std::uint32_t node = 0; node < problem.topology().nodes.size(); ++node) {
    nodes.push_back({{node},
                     Room(problem.topology().nodes[node]),
                     Counts(problem.size(), 0),
                     std::vector<std::vector<std::uint32_t>>(problem.size())});
  }
  for (std::size_t stage = 0; stage < std::min(problem.size(), current.stages.size()); ++stage) {
    for (const auto& share : current.stages[stage].shares) {
      if (share.node < nodes.size()) {
        keep_share(share, stage, problem.units()[stage], nodes[share.node]);
      }
    }
  }
  return alike_together(nodes);
}

}  // namespace sluice::control
