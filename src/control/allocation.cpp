#include "control/allocation.hpp"

#include <sluice/error.hpp>

#include <algorithm>
#include <numeric>

namespace sluice::control {
namespace {

using Counts = std::vector<std::uint64_t>;

bool pinned(const StageDemand& stage) { return stage.workers || stage.workers_per_node; }

std::uint64_t total(const Counts& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

Counts least_counts(const std::vector<StageDemand>& stages, std::uint64_t nodes) {
  Counts counts;
  for (const auto& stage : stages) {
    if (stage.workers) {
      counts.push_back(*stage.workers);
    } else {
      counts.push_back(stage.workers_per_node ? *stage.workers_per_node * nodes : 1);
    }
  }
  return counts;
}

void require_enough(const std::vector<StageDemand>& stages, const Counts& least,
                    std::uint64_t workers) {
  const auto needed = total(least);
  if (needed <= workers) return;
  std::string each;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    each += (i == 0 ? "" : ", ") + stages[i].name + " " + std::to_string(least[i]);
  }
  throw LaunchError("too few ranks: the stages need at least " + std::to_string(needed) +
                    " workers (" + each + "), and there are " + std::to_string(workers) +
                    ". Start at least " + std::to_string(needed + 1) +
                    " ranks (one coordinates; `mpirun -n " + std::to_string(needed + 1) +
                    " …`, or `--workers " + std::to_string(needed) +
                    "` without a launcher), or pin fewer workers.");
}

// Deals out workers one at a time, each to the stage whose workers together are slowest.
class Dealer {
 public:
  Dealer(const std::vector<StageDemand>& stages, Counts& counts, std::uint64_t left)
      : stages_(stages), counts_(counts), left_(left) {}

  /// Until none is left, or no stage is `eligible`.
  template <class Eligible>
  void deal(Eligible eligible) {
    while (left_ > 0) {
      const auto stage = slowest(eligible);
      if (!stage) return;
      ++counts_[*stage];
      --left_;
    }
  }

 private:
  template <class Eligible>
  std::optional<std::size_t> slowest(Eligible eligible) const {
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < stages_.size(); ++i) {
      if (eligible(i) && (!found || capacity(i) < capacity(*found))) found = i;
    }
    return found;
  }
  double capacity(std::size_t i) const {
    return static_cast<double>(counts_[i]) * stages_[i].speed.value_or(1.0);
  }

  const std::vector<StageDemand>& stages_;
  Counts& counts_;
  std::uint64_t left_;
};

// What each stage without a pinned count would get if all such stages got the same.
std::uint64_t equal_share(const std::vector<StageDemand>& stages, const Counts& counts,
                          std::uint64_t workers) {
  std::uint64_t unpinned = 0;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    if (pinned(stages[i])) {
      workers -= counts[i];
    } else {
      ++unpinned;
    }
  }
  return unpinned == 0 ? 0 : workers / unpinned;
}

class Placer {
 public:
  Placer(const std::vector<StageDemand>& stages, const Counts& allocation,
         const std::vector<int>& node_of_rank)
      : stages_(stages),
        allocation_(allocation),
        node_of_rank_(node_of_rank),
        placed_(stages.size(), 0),
        stage_of_rank_(node_of_rank.size(), -1) {}

  std::vector<int> place() {
    for (std::size_t stage = 0; stage < stages_.size(); ++stage) {
      if (stages_[stage].workers_per_node) place_on_every_node(stage);
    }
    for (const auto rank : ranks_by_node()) {
      const auto stage = least_filled();
      if (stage_of_rank_[rank] < 0 && stage) put(*stage, rank);
    }
    return stage_of_rank_;
  }

 private:
  void put(std::size_t stage, std::size_t rank) {
    stage_of_rank_[rank] = static_cast<int>(stage);
    ++placed_[stage];
  }

  void place_on_every_node(std::size_t stage) {
    const auto wanted = *stages_[stage].workers_per_node;
    std::vector<std::uint64_t> here(node_of_rank_.size(), 0);
    for (std::size_t rank = 1; rank < node_of_rank_.size(); ++rank) {
      auto& count = here.at(static_cast<std::size_t>(node_of_rank_[rank]));
      if (stage_of_rank_[rank] >= 0 || count == wanted) continue;
      ++count;
      put(stage, rank);
    }
    if (placed_[stage] == allocation_[stage]) return;
    throw LaunchError("stage '" + stages_[stage].name + "' asks for " + std::to_string(wanted) +
                      " workers on every node, but a node has too few ranks for that. Start more "
                      "ranks on each node, or lower workers_per_node.");
  }

  // All but the coordinator.
  std::vector<std::size_t> ranks_by_node() const {
    std::vector<std::size_t> ranks(node_of_rank_.size() - 1);
    std::iota(ranks.begin(), ranks.end(), 1);
    std::stable_sort(ranks.begin(), ranks.end(),
                     [this](auto a, auto b) { return node_of_rank_[a] < node_of_rank_[b]; });
    return ranks;
  }

  std::optional<std::size_t> least_filled() const {
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < stages_.size(); ++i) {
      if (placed_[i] < allocation_[i] && (!found || filled(i) < filled(*found))) found = i;
    }
    return found;
  }
  double filled(std::size_t i) const {
    return (static_cast<double>(placed_[i]) + 0.5) / static_cast<double>(allocation_[i]);
  }

  const std::vector<StageDemand>& stages_;
  const Counts& allocation_;
  const std::vector<int>& node_of_rank_;
  Counts placed_;
  std::vector<int> stage_of_rank_;
};

}  // namespace

Counts allocate(const std::vector<StageDemand>& stages, std::uint64_t workers,
                std::uint64_t nodes) {
  auto counts = least_counts(stages, nodes);
  require_enough(stages, counts, workers);
  const auto share = equal_share(stages, counts, workers);
  const auto unknown = [&](std::size_t i) { return !pinned(stages[i]) && !stages[i].speed; };
  const auto declared = [&](std::size_t i) {
    return !pinned(stages[i]) && stages[i].speed.has_value();
  };
  Dealer dealer(stages, counts, workers - total(counts));
  dealer.deal([&](std::size_t i) { return unknown(i) && counts[i] < share; });
  dealer.deal(declared);
  dealer.deal(unknown);
  return counts;
}

std::vector<int> place(const std::vector<StageDemand>& stages, const Counts& allocation,
                       const std::vector<int>& node_of_rank) {
  return Placer(stages, allocation, node_of_rank).place();
}

}  // namespace sluice::control
