#include "control/packing.hpp"

#include <algorithm>
#include <utility>

namespace sluice::control {
namespace {

/// Depth first over stages and nodes: how many units of the stage does the node hold? Nodes that
/// are alike are interchangeable, so the later of two never gets more than the earlier.
class Search {
 public:
  Search(const Packing& packing, const std::vector<Unit>& units, const Counts& wanted,
         const std::vector<std::size_t>& order, std::uint64_t budget)
      : units_(units), order_(order), left_(wanted), budget_(budget) {
    const auto held = units_in(packing, units.size());
    for (std::size_t i = 0; i < left_.size(); ++i) left_[i] -= held[i];
    for (const auto& alike : packing) {
      for (const auto node : alike.nodes) {
        nodes_.push_back(alike);
        nodes_.back().nodes = {node};
      }
    }
  }

  bool run() { return enough_in_all() && from_stage(0); }
  Packing result() && { return std::move(nodes_); }

 private:
  bool from_stage(std::size_t at) {
    if (at == order_.size()) return true;
    const auto stage = order_[at];
    const auto before = nodes_;  // by which nodes are alike
    return from_node(at, stage, 0, before);
  }

  bool from_node(std::size_t at, std::size_t stage, std::size_t node, const Packing& before) {
    if (left_[stage] == 0) return from_stage(at + 1);
    if (node == nodes_.size() || budget_ == 0) return false;
    --budget_;
    if (!enough_room(stage, node)) return false;
    auto most = std::min(nodes_[node].room.most(units_[stage]), left_[stage]);
    if (node > 0 && before[node - 1].room == before[node].room) {
      const auto& earlier = nodes_[node - 1].units;
      most = std::min(most, earlier[stage] - before[node - 1].units[stage]);
    }
    for (auto count = most + 1; count-- > 0;) {
      const auto saved = nodes_[node];
      nodes_[node].take(stage, units_[stage], count);
      left_[stage] -= count;
      if (from_node(at, stage, node + 1, before)) return true;
      left_[stage] += count;
      nodes_[node] = saved;
      if (budget_ == 0) return false;
    }
    return false;
  }

  bool enough_room(std::size_t stage, std::size_t first) const {
    std::uint64_t most = 0;
    for (auto node = first; node < nodes_.size(); ++node) {
      most += std::min(nodes_[node].room.most(units_[stage]), left_[stage]);
    }
    return most >= left_[stage];
  }

  // By sums over all nodes; without it a hopeless search takes its whole budget.
  bool enough_in_all() const {
    std::uint64_t cpus = 0;
    std::uint64_t gpus = 0;
    for (const auto& node : nodes_) {
      cpus += node.room.cpus();
      gpus += node.room.gpus();
    }
    for (std::size_t i = 0; i < units_.size(); ++i) {
      const auto needed_cpus = left_[i] * units_[i].cpus;
      const auto needed_gpus = left_[i] * units_[i].gpu_count() * units_[i].gpu_size();
      if (needed_cpus > cpus || needed_gpus > gpus) return false;
      cpus -= needed_cpus;
      gpus -= needed_gpus;
    }
    return true;
  }

  const std::vector<Unit>& units_;
  const std::vector<std::size_t>& order_;
  Counts left_;
  Packing nodes_;
  std::uint64_t budget_;
};

}  // namespace

std::optional<Packing> pack_by_search(const Packing& packing, const std::vector<Unit>& units,
                                      const Counts& wanted, const std::vector<std::size_t>& order,
                                      std::uint64_t budget) {
  Search search(packing, units, wanted, order, budget);
  if (!search.run()) return std::nullopt;
  return std::move(search).result();
}

}  // namespace sluice::control
