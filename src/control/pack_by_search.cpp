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
         const std::vector<std::size_t>& order, std::uint64_t budget, std::uint64_t& spent)
      : units_(units), order_(order), left_(wanted), budget_(budget), spent_(spent) {
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
  /// A node before it gets units of the stage at hand.
  struct Before {
    bool like_the_last = false;  ///< it is like the node before it
    std::uint64_t units = 0;     ///< of the stage
  };

  bool from_stage(std::size_t at) {
    if (at == order_.size()) return true;
    const auto stage = order_[at];
    std::vector<Before> before;
    for (std::size_t node = 0; node < nodes_.size(); ++node) {
      const bool like = node > 0 && nodes_[node - 1].room == nodes_[node].room;
      before.push_back({like, nodes_[node].units[stage]});
    }
    return from_node(at, stage, 0, before);
  }

  bool from_node(std::size_t at, std::size_t stage, std::size_t node,
                 const std::vector<Before>& before) {
    if (left_[stage] == 0) return from_stage(at + 1);
    if (node == nodes_.size() || budget_ == 0) return false;
    --budget_;
    ++spent_;
    auto most = std::min(nodes_[node].room.most(units_[stage]), left_[stage]);
    if (before[node].like_the_last) {
      most = std::min(most, nodes_[node - 1].units[stage] - before[node - 1].units);
    }
    const auto others = room_from(stage, node + 1);
    const auto least = left_[stage] - std::min(others, left_[stage]);
    const auto saved = nodes_[node];
    for (auto count = most + 1; count-- > least;) {
      nodes_[node].take(stage, units_[stage], count);
      left_[stage] -= count;
      if (from_node(at, stage, node + 1, before)) return true;
      left_[stage] += count;
      nodes_[node] = saved;
      if (budget_ == 0) return false;
    }
    return false;
  }

  std::uint64_t room_from(std::size_t stage, std::size_t first) const {
    std::uint64_t most = 0;
    for (auto node = first; node < nodes_.size(); ++node) {
      most += std::min(nodes_[node].room.most(units_[stage]), left_[stage]);
    }
    return most;
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
  std::uint64_t& spent_;
};

}  // namespace

std::optional<Packing> pack_by_search(const Packing& packing, const std::vector<Unit>& units,
                                      const Counts& wanted, const std::vector<std::size_t>& order,
                                      std::uint64_t budget, std::uint64_t& spent) {
  Search search(packing, units, wanted, order, budget, spent);
  if (!search.run()) return std::nullopt;
  return std::move(search).result();
}

}  // namespace sluice::control
