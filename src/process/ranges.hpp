#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace sluice::process {

/// Gives out ranges of a memory file, each at a multiple of 64 bytes, lowest first so that memory
/// that was used before is used again. Each range goes by a batch's number.
class Ranges {
 public:
  explicit Ranges(std::uint64_t limit) : limit_(limit) {}

  /// Where the batch's range is; nothing if there is no room.
  std::optional<std::uint64_t> take(std::uint64_t batch, std::uint64_t length);
  /// False if the batch has none.
  bool give_back(std::uint64_t batch);
  std::uint64_t limit() const noexcept { return limit_; }

 private:
  std::uint64_t limit_;
  std::map<std::uint64_t, std::uint64_t> ends_;      ///< of taken ranges, by their beginnings
  std::map<std::uint64_t, std::uint64_t> of_batch_;  ///< where its range begins
};

}  // namespace sluice::process
