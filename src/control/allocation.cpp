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

// The stage whose workers together are slowest among those that `eligible` says, or -1.
template <class Eligible>
int slowest(const std::vector<StageDemand>& stages, const Counts& counts, Eligible eligible) {
  int found = -1;
  double least = 0;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    if (!eligible(i)) continue;
    const double capacity = static_cast<double>(counts[i]) * stages[i].speed.value_or(1.0);
    if (found >= 0 && capacity >= least) continue;
    found = static_cast<int>(i);
    least = capacity;
  }
  return found;
}

}  // namespace

Counts allocate(const std::vector<StageDemand>& stages, std::uint64_t workers,
                std::uint64_t nodes) {
  auto counts = least_counts(stages, nodes);
  require_enough(stages, counts, workers);
  std::uint64_t pinned_total = 0;
  std::uint64_t free_stages = 0;
  bool any_speed = false;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    if (pinned(stages[i])) {
      pinned_total += counts[i];
    } else {
      ++free_stages;
      any_speed = any_speed || stages[i].speed;
    }
  }
  if (free_stages == 0) return counts;
  const auto share = (workers - pinned_total) / free_stages;
  auto left = workers - total(counts);
  const auto give = [&](auto eligible) {
    const int stage = left == 0 ? -1 : slowest(stages, counts, eligible);
    if (stage < 0) return false;
    ++counts[static_cast<std::size_t>(stage)];
    --left;
    return true;
  };
  const auto unknown = [&](std::size_t i) { return !pinned(stages[i]) && !stages[i].speed; };
  while (give([&](std::size_t i) { return unknown(i) && counts[i] < share; })) {
  }
  while (give([&](std::size_t i) { return !pinned(stages[i]) && any_speed == !unknown(i); })) {
  }
  return counts;
}

std::vector<int> place(const std::vector<StageDemand>& stages, const Counts& allocation,
                       const std::vector<int>& node_of_rank) {
  std::vector<int> stage_of(node_of_rank.size(), -1);
  Counts placed(stages.size(), 0);
  const auto put = [&](std::size_t stage, std::size_t rank) {
    stage_of[rank] = static_cast<int>(stage);
    ++placed[stage];
  };
  for (std::size_t stage = 0; stage < stages.size(); ++stage) {
    if (!stages[stage].workers_per_node) continue;
    std::vector<std::uint64_t> on_node(node_of_rank.size(), 0);
    for (std::size_t rank = 1; rank < node_of_rank.size(); ++rank) {
      auto& here = on_node.at(static_cast<std::size_t>(node_of_rank[rank]));
      if (stage_of[rank] >= 0 || here == *stages[stage].workers_per_node) continue;
      ++here;
      put(stage, rank);
    }
    if (placed[stage] == allocation[stage]) continue;
    throw LaunchError("stage '" + stages[stage].name + "' asks for " +
                      std::to_string(*stages[stage].workers_per_node) +
                      " workers on every node, but a node has too few ranks for that. Start more "
                      "ranks on each node, or lower workers_per_node.");
  }
  std::vector<std::size_t> ranks(node_of_rank.size());
  std::iota(ranks.begin(), ranks.end(), 0);
  std::stable_sort(ranks.begin(), ranks.end(),
                   [&](auto a, auto b) { return node_of_rank[a] < node_of_rank[b]; });
  for (const auto rank : ranks) {
    if (rank == 0 || stage_of[rank] >= 0) continue;
    int chosen = -1;
    double least = 0;
    for (std::size_t i = 0; i < stages.size(); ++i) {
      if (placed[i] >= allocation[i]) continue;
      const double filled =
          (static_cast<double>(placed[i]) + 0.5) / static_cast<double>(allocation[i]);
      if (chosen >= 0 && filled >= least) continue;
      chosen = static_cast<int>(i);
      least = filled;
    }
    if (chosen >= 0) put(static_cast<std::size_t>(chosen), rank);
  }
  return stage_of;
}

}  // namespace sluice::control
