#include "control/intake.hpp"

#include <sluice/error.hpp>

#include <algorithm>
#include <string>

namespace sluice::control {

void Intake::add(Ticket ticket) {
  batches_[ticket];
  waiting_.push_back(ticket);
}

bool Intake::next(Ticket& ticket) {
  if (waiting_.empty() || alone_ || inside_.size() >= depth_) return false;
  const bool suspect = is_suspect(waiting_.front());
  if (suspect && !inside_.empty()) return false;
  ticket = waiting_.front();
  waiting_.pop_front();
  inside_.insert(ticket);
  alone_ = suspect;
  return true;
}

bool Intake::answered(Ticket ticket) {
  if (inside_.erase(ticket) != 1) {
    throw InvariantError("a stage answered ticket " + std::to_string(ticket) +
                         ", which it does not have");
  }
  if (inside_.empty()) alone_ = false;
  return batches_.contains(ticket);
}

void Intake::finished(Ticket ticket) { batches_.erase(ticket); }

void Intake::again(Ticket ticket) {
  batches_.at(ticket).kills = 0;
  if (is_suspect(ticket)) return waiting_.push_front(ticket);
  const auto place = std::find_if(waiting_.begin(), waiting_.end(),
                                  [this](Ticket other) { return !is_suspect(other); });
  waiting_.insert(place, ticket);
}

bool Intake::lost(Ticket ticket, bool killed) {
  auto& batch = batches_.at(ticket);
  const int kills = killed ? batch.kills + 1 : 0;
  const bool counts = !killed || kills == most_kills;
  if (counts && batch.suspect) return false;
  batch.suspect = batch.suspect || counts;
  again(ticket);
  batch.kills = counts ? 0 : kills;
  return true;
}

void Intake::abandon() {
  batches_.clear();
  waiting_.clear();
}

}  // namespace sluice::control
