#pragma once

#include <cstdint>
#include <vector>

namespace sluice::store {

/// Splits `first` to `first + count - 1`.
struct SplitRange {
  std::uint64_t first = 0;
  std::uint64_t count = 0;

  bool operator==(const SplitRange&) const = default;
};

/// A set of splits by their ids, kept as ranges: ascending, apart from each other, none empty.
class SplitSet {
 public:
  /// Throws DecodeError if the range goes on after the last number that there is.
  void add(SplitRange range);
  void add(std::uint64_t split) { add({split, 1}); }
  void add(const SplitSet& other);

  bool contains(std::uint64_t split) const noexcept;
  /// Whether any split is in both.
  bool overlaps(const SplitSet& other) const noexcept;
  /// How many splits.
  std::uint64_t size() const noexcept;
  bool empty() const noexcept { return ranges_.empty(); }
  const std::vector<SplitRange>& ranges() const noexcept { return ranges_; }

  bool operator==(const SplitSet&) const = default;

 private:
  std::vector<SplitRange> ranges_;
};

}  // namespace sluice::store
