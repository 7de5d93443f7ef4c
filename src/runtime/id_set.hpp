#pragma once

#include "store/split_set.hpp"

#include <sluice/encoded_batch.hpp>

#include <cstdint>
#include <vector>

namespace sluice::runtime {

/// Ids of records. Inputs that were never split, the usual case, cost nothing as long as they come
/// nearly in order.
class IdSet {
 public:
  void add(const RecordId& id);
  void add(const IdSet& other);
  void add(const store::SplitRange& whole) { whole_.add(whole); }
  /// Only the ids of inputs that are not among `origins` stay.
  void drop(const store::SplitSet& origins);

  /// After `add`, `sort` must come first.
  bool contains(const RecordId& id) const;
  void sort();

  std::uint64_t size() const { return whole_.size() + split_.size(); }
  bool empty() const { return whole_.empty() && split_.empty(); }
  /// Of inputs that were not split, and of records with a path.
  const store::SplitSet& whole() const { return whole_; }
  const std::vector<RecordId>& split() const { return split_; }

 private:
  store::SplitSet whole_;
  std::vector<RecordId> split_;
};

}  // namespace sluice::runtime
