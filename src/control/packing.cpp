#include "control/packing.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

namespace sluice::control {
namespace {

/// Deals out one stage's units.
class Dealing {
 public:
  Dealing(Packing& packing, std::size_t stage, const Unit& unit, std::uint64_t count)
      : packing_(packing), stage_(stage), unit_(unit), left_(count) {}

  // Every node gets the same number, as far as it has room, until fewer are left than nodes; those
  // go to the nodes with most room.
  bool spread() {
    while (left_ > 0) {
      const auto nodes = nodes_with_room();
      if (nodes == 0) return false;
      if (left_ < nodes) return one_each();
      const auto each = left_ / nodes;
      for (auto& alike : packing_) give(alike, std::min(each, alike.room.most(unit_)));
    }
    return true;
  }

  bool node_by_node(Fill fill) {
    for (const auto index : by_rest(fill)) {
      if (left_ == 0) break;
      fill_up(index);
    }
    return left_ == 0;
  }

 private:
  std::uint64_t nodes_with_room() const {
    std::uint64_t nodes = 0;
    for (const auto& alike : packing_) {
      if (alike.room.most(unit_) > 0) nodes += alike.nodes.size();
    }
    return nodes;
  }

  void give(Alike& alike, std::uint64_t each) {
    if (each == 0) return;
    alike.take(stage_, unit_, each);
    left_ -= each * alike.nodes.size();
  }

  bool one_each() {
    std::vector<std::size_t> roomiest(packing_.size());
    std::iota(roomiest.begin(), roomiest.end(), 0);
    std::stable_sort(roomiest.begin(), roomiest.end(), [this](auto a, auto b) {
      return packing_[a].room.most(unit_) > packing_[b].room.most(unit_);
    });
    for (const auto index : roomiest) {
      if (left_ == 0) break;
      give(split(packing_, index, left_), 1);
    }
    return true;
  }

  // Full nodes first; then one that takes what is left.
  void fill_up(std::size_t index) {
    const auto most = packing_[index].room.most(unit_);
    if (most == 0) return;
    const auto nodes = packing_[index].nodes.size();
    const auto full = std::min<std::uint64_t>(left_ / most, nodes);
    if (full > 0) give(split(packing_, index, full), most);
    if (full == nodes || left_ == 0) return;
    give(split(packing_, full > 0 ? packing_.size() - 1 : index, 1), left_);
  }

  std::vector<std::size_t> by_rest(Fill fill) const {
    std::vector<std::pair<double, std::size_t>> order;
    for (std::size_t i = 0; i < packing_.size(); ++i) {
      const double rest = rest_of(packing_[i]);
      order.emplace_back(fill == Fill::tight ? rest : -rest, i);
    }
    std::sort(order.begin(), order.end());
    std::vector<std::size_t> indices;
    for (const auto& [rest, index] : order) indices.push_back(index);
    return indices;
  }

  // What the node has left when it is full of this stage, in cpus; a GPU counts as many.
  double rest_of(const Alike& alike) const {
    constexpr double cpus_of_a_gpu = 32;
    const auto count = alike.room.most(unit_);
    const auto gpus = alike.room.gpus() - count * unit_.gpu_count() * unit_.gpu_size();
    const auto cpus = alike.room.cpus() - count * unit_.cpus;
    return static_cast<double>(cpus) + cpus_of_a_gpu * static_cast<double>(gpus);
  }

  Packing& packing_;
  std::size_t stage_;
  const Unit& unit_;
  std::uint64_t left_;
};

}  // namespace

Packing empty_packing(const Topology& topology, std::size_t stages) {
  std::map<Room, std::size_t> known;
  Packing packing;
  for (std::uint32_t node = 0; node < topology.nodes.size(); ++node) {
    const Room room(topology.nodes[node]);
    const auto [it, is_new] = known.try_emplace(room, packing.size());
    if (is_new) {
      packing.push_back(
          {{}, room, Counts(stages, 0), std::vector<std::vector<std::uint32_t>>(stages)});
    }
    packing[it->second].nodes.push_back(node);
  }
  return packing;
}

Counts units_in(const Packing& packing, std::size_t stages) {
  Counts counts(stages, 0);
  for (const auto& alike : packing) {
    for (std::size_t i = 0; i < stages; ++i) counts[i] += alike.units[i] * alike.nodes.size();
  }
  return counts;
}

void Alike::take_off(std::size_t stage, const Unit& unit, std::uint64_t number) {
  const auto each = static_cast<std::ptrdiff_t>(unit.gpu_count());
  const auto first = gpus[stage].begin() + static_cast<std::ptrdiff_t>(number) * each;
  room.give_back(unit, {first, first + each});
  gpus[stage].erase(first, first + each);
  --units[stage];
}

Alike& split(Packing& packing, std::size_t index, std::uint64_t nodes) {
  if (nodes < packing[index].nodes.size()) {
    auto rest = packing[index];
    rest.nodes.erase(rest.nodes.begin(), rest.nodes.begin() + static_cast<std::ptrdiff_t>(nodes));
    packing[index].nodes.resize(nodes);
    packing.push_back(std::move(rest));
  }
  return packing[index];
}

bool place(Packing& packing, std::size_t stage, const Unit& unit, std::uint64_t count, Fill fill) {
  Dealing dealing(packing, stage, unit, count);
  return fill == Fill::spread ? dealing.spread() : dealing.node_by_node(fill);
}

std::optional<Packing> pack(Packing packing, const std::vector<Unit>& units, const Counts& wanted,
                            const Rule& rule) {
  const auto held = units_in(packing, units.size());
  for (const auto& [stage, fill] : rule) {
    if (held[stage] > wanted[stage]) return std::nullopt;
    if (!place(packing, stage, units[stage], wanted[stage] - held[stage], fill)) {
      return std::nullopt;
    }
  }
  return packing;
}

}  // namespace sluice::control
