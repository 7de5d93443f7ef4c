#include "runtime/remaining_input.hpp"

#include <algorithm>

namespace sluice::runtime {

RemainingInput::RemainingInput(BatchInput& input, const store::SplitSet& done) : input_(&input) {
  std::uint64_t at = 0;
  const auto add_until = [&](std::uint64_t end) {
    if (end > at) spans_.push_back({at, end - at});
    if (end > at) left_ += end - at;
  };
  for (const auto& range : done.ranges()) {
    add_until(std::min(range.first, input.size()));
    at = std::max(at, range.first + range.count);
  }
  add_until(input.size());
}

EncodedBatch RemainingInput::next(std::uint64_t count) {
  EncodedBatch batch;
  while (count > 0) {
    const auto& span = spans_.at(span_);
    const auto taken = std::min(count, span.count - offset_);
    batch.append(input_->records({span.first + offset_, taken}));
    count -= taken;
    left_ -= taken;
    offset_ += taken;
    if (offset_ < span.count) continue;
    ++span_;
    offset_ = 0;
  }
  return batch;
}

std::uint64_t RemainingInput::reached() const noexcept {
  if (span_ < spans_.size()) return spans_[span_].first + offset_;
  return spans_.empty() ? 0 : spans_.back().end();
}

}  // namespace sluice::runtime
