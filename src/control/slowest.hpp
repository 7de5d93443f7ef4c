#pragma once

#include "control/types.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::control {

/// A batch that has been in `process`, all attempts at it together.
struct SlowBatch {
  double seconds = 0;
  std::uint64_t stage = 0;
  std::uint64_t input = 0;  ///< that its first record descends from
  std::uint64_t records = 0;
  Rank rank = 0;  ///< not sent

  template <class Archive>
  void serialize(Archive& archive) {
    archive(seconds, stage, input, records);
  }
};

/// The batches that took longest of those that were noted. What a rank's has no room for, the run's
/// has none for either, so ranks need report only what theirs keeps.
class Slowest {
 public:
  static constexpr std::size_t most = 20;

  /// False if it is not among them.
  bool note(const SlowBatch& batch) {
    if (kept_.size() == most && batch.seconds <= kept_.back().seconds) return false;
    const auto slower = [](const SlowBatch& a, const SlowBatch& b) {
      return a.seconds > b.seconds;
    };
    kept_.insert(std::upper_bound(kept_.begin(), kept_.end(), batch, slower), batch);
    if (kept_.size() > most) kept_.pop_back();
    return true;
  }

  /// The slowest first.
  const std::vector<SlowBatch>& batches() const noexcept { return kept_; }

 private:
  std::vector<SlowBatch> kept_;
};

}  // namespace sluice::control
