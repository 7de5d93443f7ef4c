#pragma once

#include "control/batch_types.hpp"

#include <sluice/run.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::runtime {

/// The run's input as batch mode needs it: encoded, and in any order, because a resumed run may
/// want some of its records only.
class BatchInput {
 public:
  explicit BatchInput(const ErasedSpec& spec);

  std::uint64_t size() const noexcept { return size_; }
  std::uint64_t bytes() const noexcept { return bytes_; }
  /// A line that differs if the input does.
  std::string text() const;
  EncodedBatch records(control::Span span) const;
  /// They are not needed any more; `size` and `text` stay.
  void forget() { blocks_ = {}; }

 private:
  void add(EncodedBatch block);

  std::vector<EncodedBatch> blocks_;  ///< of the same number of records, but for the last
  std::uint64_t size_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t checksum_ = 0;
};

}  // namespace sluice::runtime
