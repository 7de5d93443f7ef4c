#include "control/lifetimes.hpp"

#include <algorithm>

namespace sluice::control {

Lifetimes::Lifetimes(const std::vector<Lifetime>& stages) : stages_(stages.size()) {
  for (std::size_t k = 0; k < stages.size(); ++k) stages_[k].longest = stages[k].longest;
}

void Lifetimes::ready(Rank rank, std::size_t stage, Time now) {
  if (stage >= stages_.size() || stages_[stage].longest == Time{0}) return;
  auto& home = stages_[stage];
  if (home.away == rank) home.away.reset();
  home.workers.push_back({rank, now});
}

void Lifetimes::left(Rank rank, std::size_t stage, bool returns) {
  if (stage >= stages_.size()) return;
  auto& home = stages_[stage];
  std::erase_if(home.workers, [rank](const Worker& worker) { return worker.rank == rank; });
  if (home.away == rank && !returns) home.away.reset();
}

std::optional<Rank> Lifetimes::next_due(Time now) {
  for (auto& stage : stages_) {
    if (stage.away || stage.workers.empty()) continue;
    const auto oldest = stage.workers.front();
    if (now - oldest.since < stage.longest) continue;
    stage.workers.pop_front();
    stage.away = oldest.rank;
    return oldest.rank;
  }
  return std::nullopt;
}

std::optional<Time> Lifetimes::deadline() const {
  std::optional<Time> earliest;
  for (const auto& stage : stages_) {
    if (stage.away || stage.workers.empty()) continue;
    const auto since = stage.workers.front().since;
    if (stage.longest > Time::max() - since) continue;
    if (!earliest || since + stage.longest < *earliest) earliest = since + stage.longest;
  }
  return earliest;
}

}  // namespace sluice::control
