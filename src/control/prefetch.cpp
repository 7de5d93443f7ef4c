#include "control/prefetch.hpp"

#include <sluice/error.hpp>

#include <algorithm>

namespace sluice::control {

void Prefetch::expect(BatchId batch, std::uint64_t bytes) { add(batch, bytes); }

void Prefetch::want(BatchId batch, std::uint64_t bytes) {
  add(batch, bytes);
  batches_.at(batch).wanted = true;
}

void Prefetch::add(BatchId batch, std::uint64_t bytes) {
  const auto [it, added] = batches_.try_emplace(batch, Batch{bytes});
  if (added) it->second.order = next_order_++;
}

void Prefetch::copied(BatchId batch) {
  auto& found = batches_.at(batch);
  if (found.state != State::copying) throw InvariantError("a batch was copied that was not begun");
  found.state = State::copied;
  --under_way_;
}

void Prefetch::postponed(BatchId batch) {
  auto& found = batches_.at(batch);
  if (found.state == State::copying) --under_way_;
  if (found.state != State::waiting) bytes_ -= found.bytes;
  found.state = State::waiting;
  full_ = true;
}

void Prefetch::gone(BatchId batch) {
  full_ = false;
  const auto it = batches_.find(batch);
  if (it == batches_.end()) return;
  if (it->second.state != State::waiting) bytes_ -= it->second.bytes;
  if (it->second.state == State::copying) --under_way_;
  batches_.erase(it);
}

bool Prefetch::is_copied(BatchId batch) const {
  const auto it = batches_.find(batch);
  return it != batches_.end() && it->second.state == State::copied;
}

std::vector<BatchId> Prefetch::start() {
  std::vector<std::pair<const BatchId, Batch>*> waiting;
  for (auto& entry : batches_) {
    if (entry.second.state == State::waiting) waiting.push_back(&entry);
  }
  std::sort(waiting.begin(), waiting.end(), [](const auto* a, const auto* b) {
    if (a->second.wanted != b->second.wanted) return a->second.wanted;
    return a->second.order < b->second.order;
  });
  std::vector<BatchId> started;
  for (auto* entry : waiting) {
    if (!may_start(entry->second)) break;  // a smaller one behind it must not overtake it for ever
    entry->second.state = State::copying;
    bytes_ += entry->second.bytes;
    ++under_way_;
    started.push_back(entry->first);
  }
  return started;
}

bool Prefetch::may_start(const Batch& batch) const {
  if (batch.wanted) return true;
  if (full_) return false;
  return under_way_ < limits_.at_once && bytes_ + batch.bytes <= limits_.bytes;
}

}  // namespace sluice::control
