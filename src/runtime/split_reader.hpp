#pragma once

#include "runtime/protocol.hpp"
#include "store/intermediate_store.hpp"

#include <sluice/encoded_batch.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace sluice::runtime {

/// Reads a worker's splits, a batch at a time: from the shard that holds them, which stays open for
/// the next split, or from what the coordinator sent along.
class SplitReader {
 public:
  /// `folder`: of the shards in the store.
  SplitReader(store::IntermediateStore& store, std::string folder)
      : store_(store), folder_(std::move(folder)) {}

  /// The split before must be done.
  void begin(Split split);
  bool done() const noexcept { return done_ == split_.records.count; }
  /// The rest of the split will not be read.
  void drop() noexcept { done_ = split_.records.count; }

  struct Batch {
    control::Span span;
    EncodedBatch records;
  };
  Batch next(std::uint64_t most_records);

 private:
  store::IntermediateStore& store_;
  std::string folder_;
  Split split_;
  std::uint64_t done_ = 0;  ///< of the split's records
  std::unique_ptr<store::OpenShard> shard_;
  std::string open_;  ///< which shard it is
};

}  // namespace sluice::runtime
