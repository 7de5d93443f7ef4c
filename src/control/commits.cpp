#include "control/commits.hpp"

#include <algorithm>

namespace sluice::control {

void Commits::closed(Rank rank) {
  open_.erase(rank);
  awaited_.erase(rank);
  any_parts_ = true;
}

bool Commits::lost(Rank rank) {
  const bool held_one = open_.erase(rank) > 0;
  awaited_.erase(rank);
  if (held_one) under_way_ = false;
  return held_one;
}

std::optional<std::vector<Rank>> Commits::begin_if_due(Time now) {
  if (under_way_ || now < next_) return std::nullopt;
  return begin();
}

std::vector<Rank> Commits::begin() {
  under_way_ = true;
  awaited_ = open_;
  return {awaited_.begin(), awaited_.end()};
}

bool Commits::take_complete(Time now) {
  if (!under_way_ || !awaited_.empty()) return false;
  under_way_ = false;
  const auto wait = any_parts_ ? std::max(every_, now / share_of_run) : every_;
  next_ = now > Time::max() - wait ? Time::max() : now + wait;
  return true;
}

}  // namespace sluice::control
