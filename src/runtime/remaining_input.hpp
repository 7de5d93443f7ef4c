#pragma once

#include "runtime/batch_input.hpp"
#include "store/split_set.hpp"

#include <vector>

namespace sluice::runtime {

/// The inputs that are still to be looked at, handed out in order.
class RemainingInput {
 public:
  RemainingInput(BatchInput& input, const store::SplitSet& done);

  std::uint64_t size() const noexcept { return left_; }
  EncodedBatch next(std::uint64_t count);
  /// No input from here on has been handed out.
  std::uint64_t reached() const noexcept;

 private:
  BatchInput* input_;
  std::vector<control::Span> spans_;
  std::size_t span_ = 0;      ///< the one that is being handed out
  std::uint64_t offset_ = 0;  ///< in it
  std::uint64_t left_ = 0;
};

}  // namespace sluice::runtime
