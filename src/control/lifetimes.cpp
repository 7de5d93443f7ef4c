#include "control/lifetimes.hpp"

namespace sluice::control {

Lifetimes::Lifetimes(const std::vector<Lifetime>& stages) : stages_(stages.size()) {
  for (std::size_t k = 0; k < stages.size(); ++k) stages_[k].longest = stages[k].longest;
}

void Lifetimes::ready(Rank rank, std::size_t stage, Time now) {
  if (stage >= stages_.size() || stages_[stage].longest == Time{0}) return;
  auto& home = stages_[stage];
  if (home.away == rank) home.away.reset();
  home.fresh[rank] = now;
}

void Lifetimes::worked(Rank rank, std::size_t stage) {
  if (stage >= stages_.size()) return;
  auto& home = stages_[stage];
  const auto fresh = home.fresh.find(rank);
  if (fresh == home.fresh.end()) return;
  home.workers.emplace(fresh->second, rank);
  home.fresh.erase(fresh);
}

void Lifetimes::left(Rank rank, std::size_t stage, bool returns) {
  if (stage >= stages_.size()) return;
  auto& home = stages_[stage];
  home.fresh.erase(rank);
  std::erase_if(home.workers, [rank](const auto& worker) { return worker.second == rank; });
  if (home.away == rank && !returns) home.away.reset();
}

std::optional<Rank> Lifetimes::next_due(Time now) {
  for (auto& stage : stages_) {
    if (stage.away || stage.workers.empty()) continue;
    const auto [since, rank] = *stage.workers.begin();
    if (now - since < stage.longest) continue;
    stage.workers.erase(stage.workers.begin());
    stage.away = rank;
    return rank;
  }
  return std::nullopt;
}

std::optional<Time> Lifetimes::deadline() const {
  std::optional<Time> earliest;
  for (const auto& stage : stages_) {
    if (stage.away || stage.workers.empty()) continue;
    const auto since = stage.workers.begin()->first;
    if (stage.longest > Time::max() - since) continue;
    if (!earliest || since + stage.longest < *earliest) earliest = since + stage.longest;
  }
  return earliest;
}

}  // namespace sluice::control
