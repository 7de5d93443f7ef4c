#include "runtime/id_set.hpp"

#include <algorithm>

namespace sluice::runtime {

void IdSet::add(const RecordId& id) {
  if (id.path.size() == 0) {
    whole_.add(id.origin);
  } else {
    split_.push_back(id);
  }
}

void IdSet::add(const IdSet& other) {
  whole_.add(other.whole_);
  split_.insert(split_.end(), other.split_.begin(), other.split_.end());
}

void IdSet::drop(const store::SplitSet& origins) {
  store::SplitSet left;
  for (const auto& range : whole_.ranges()) {
    for (auto origin = range.first; origin < range.first + range.count; ++origin) {
      if (!origins.contains(origin)) left.add(origin);
    }
  }
  whole_ = std::move(left);
  std::erase_if(split_, [&](const RecordId& id) { return origins.contains(id.origin); });
}

bool IdSet::contains(const RecordId& id) const {
  if (id.path.size() == 0) return whole_.contains(id.origin);
  return std::binary_search(split_.begin(), split_.end(), id);
}

void IdSet::sort() {
  std::sort(split_.begin(), split_.end());
  split_.erase(std::unique(split_.begin(), split_.end()), split_.end());
}

}  // namespace sluice::runtime
