#pragma once

#include <sluice/run.hpp>

#include <cstdint>

namespace sluice::runtime {

/// The run's input, handed out in order and encoded only when it is admitted.
class InputFeed {
 public:
  explicit InputFeed(const ErasedSpec& spec)
      : type_(*spec.stages.front().input), records_(spec.input()) {}

  std::uint64_t size() const { return records_.size(); }

  AnyBatch next(std::uint64_t count) {
    auto part = type_.take(records_, position_, count);
    position_ += count;
    return part;
  }
  EncodedBatch next_encoded(std::uint64_t count) { return type_.encode(next(count)); }

 private:
  const RecordType& type_;
  AnyBatch records_;
  std::uint64_t position_ = 0;
};

}  // namespace sluice::runtime
