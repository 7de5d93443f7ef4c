#include "store/split_set.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>

namespace sluice::store {
namespace {

std::uint64_t end_of(const SplitRange& range) { return range.first + range.count; }

bool ends_before(const SplitRange& range, std::uint64_t split) { return end_of(range) < split; }

}  // namespace

void SplitSet::add(SplitRange range) {
  if (range.count == 0) return;
  if (range.count > std::numeric_limits<std::uint64_t>::max() - range.first) {
    throw DecodeError(fmt::format("there are no {} splits from {} on", range.count, range.first));
  }
  // All that touch the new range melt into it.
  const auto begin = std::lower_bound(ranges_.begin(), ranges_.end(), range.first, &ends_before);
  auto end = begin;
  for (; end != ranges_.end() && end->first <= end_of(range); ++end) {
    const auto first = std::min(range.first, end->first);
    range = {first, std::max(end_of(range), end_of(*end)) - first};
  }
  ranges_.insert(ranges_.erase(begin, end), range);
}

// One pass over both: adding the ranges one by one would move all that follow each time.
void SplitSet::add(const SplitSet& other) {
  std::vector<SplitRange> all;
  all.reserve(ranges_.size() + other.ranges_.size());
  std::merge(ranges_.begin(), ranges_.end(), other.ranges_.begin(), other.ranges_.end(),
             std::back_inserter(all),
             [](const SplitRange& a, const SplitRange& b) { return a.first < b.first; });
  ranges_.clear();
  for (const auto& range : all) {
    if (ranges_.empty() || end_of(ranges_.back()) < range.first) {
      ranges_.push_back(range);
    } else {
      auto& last = ranges_.back();
      last.count = std::max(end_of(last), end_of(range)) - last.first;
    }
  }
}

bool SplitSet::contains(std::uint64_t split) const noexcept {
  const auto it = std::lower_bound(ranges_.begin(), ranges_.end(), split + 1, &ends_before);
  return it != ranges_.end() && it->first <= split;
}

bool SplitSet::overlaps(const SplitSet& other) const noexcept {
  auto a = ranges_.begin();
  auto b = other.ranges_.begin();
  while (a != ranges_.end() && b != other.ranges_.end()) {
    if (end_of(*a) <= b->first) {
      ++a;
    } else if (end_of(*b) <= a->first) {
      ++b;
    } else {
      return true;
    }
  }
  return false;
}

std::uint64_t SplitSet::size() const noexcept {
  std::uint64_t size = 0;
  for (const auto& range : ranges_) size += range.count;
  return size;
}

}  // namespace sluice::store
