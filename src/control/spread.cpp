#include "control/spread.hpp"

#include <algorithm>

namespace sluice::control {

Spread::Spread(std::size_t artifacts, const std::vector<int>& node_of_rank) : chains_(artifacts) {
  std::set<int> nodes;
  for (std::size_t rank = 1; rank < node_of_rank.size(); ++rank) {
    if (node_of_rank[rank] < 0 || !nodes.insert(node_of_rank[rank]).second) continue;
    leaders_.push_back(static_cast<Rank>(rank));
  }
  silent_.insert(leaders_.begin(), leaders_.end());
  at_work_ = silent_;
}

bool Spread::lacks(Rank leader, const std::vector<std::size_t>& artifacts) {
  if (silent_.erase(leader) == 0) return false;
  for (const auto artifact : artifacts) {
    auto& chain = chains_.at(artifact);
    if (chain.empty()) chain.push_back(reader());
    if (leader != reader()) chain.push_back(leader);
  }
  if (!silent_.empty()) return false;
  for (auto& chain : chains_) std::sort(chain.begin(), chain.end());
  return true;
}

bool Spread::placed(Rank rank) {
  at_work_.erase(rank);
  return at_work_.empty();
}

}  // namespace sluice::control
