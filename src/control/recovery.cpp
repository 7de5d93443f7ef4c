#include "control/recovery.hpp"

#include <algorithm>
#include <utility>

namespace sluice::control {
namespace {

constexpr int nowhere = -1;

std::size_t index(Rank rank) { return static_cast<std::size_t>(rank); }

}  // namespace

bool Regrouping::lose(Rank rank) {
  if (!lost_.insert(rank).second) return false;
  ++epoch_;
  const auto ranks = left();
  awaited_ = {ranks.begin(), ranks.end()};
  under_way_ = true;
  return true;
}

void Regrouping::arrived(Rank rank, std::uint64_t epoch) {
  if (epoch == epoch_) awaited_.erase(rank);
}

bool Regrouping::take_complete() { return awaited_.empty() && std::exchange(under_way_, false); }

std::vector<Rank> Regrouping::left() const {
  std::vector<Rank> ranks;
  for (std::size_t rank = 1; rank < ranks_; ++rank) {
    if (!is_lost(static_cast<Rank>(rank))) ranks.push_back(static_cast<Rank>(rank));
  }
  return ranks;
}

std::vector<int> stages_after_loss(const std::vector<StageDemand>& stages, const Topology& left,
                                   std::vector<int> node_of_rank, std::vector<int> stage_of_rank,
                                   const std::set<Rank>& lost,
                                   const std::vector<Rank>& primary_of_rank,
                                   std::optional<Plan>* replanned) {
  for (const Rank rank : lost) {
    stage_of_rank.at(index(rank)) = nowhere;
    node_of_rank.at(index(rank)) = nowhere;
  }
  for (const auto& group : groups_of(primary_of_rank)) {
    const bool broken =
        std::any_of(group.begin(), group.end(), [&](Rank rank) { return lost.contains(rank); });
    if (!broken) continue;
    for (const Rank rank : group) stage_of_rank.at(index(rank)) = nowhere;
  }
  std::vector<bool> has_worker(stages.size(), false);
  for (const int stage : stage_of_rank) {
    if (stage >= 0) has_worker.at(static_cast<std::size_t>(stage)) = true;
  }
  if (std::find(has_worker.begin(), has_worker.end(), false) == has_worker.end()) {
    return stage_of_rank;
  }
  auto plan = make_plan(stages, left);
  auto assigned = assign_ranks(plan, node_of_rank, stage_of_rank, primary_of_rank);
  if (replanned != nullptr) *replanned = std::move(plan);
  return assigned;
}

}  // namespace sluice::control
