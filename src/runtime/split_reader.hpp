#pragma once

#include "runtime/protocol.hpp"
#include "store/intermediate_store.hpp"

#include <sluice/encoded_batch.hpp>

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>

namespace sluice::runtime {

/// Reads a worker's splits, a batch at a time: from the shard that holds them, which stays open for
/// the next split, or from what the coordinator sent along.
class SplitReader {
 public:
  /// `folder`: of the shards in the store. `another` opens that store once more, for a thread that
  /// fetches ahead.
  SplitReader(store::IntermediateStore& store, std::function<store::IntermediateStore()> another,
              std::string folder)
      : store_(store), another_(std::move(another)), folder_(std::move(folder)) {}

  /// The split that will come next: if its shard must be fetched, that begins now, beside whatever
  /// this thread does.
  void expect(const Split& next);
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
  std::function<store::IntermediateStore()> another_;
  std::string folder_;
  Split split_;
  std::uint64_t done_ = 0;  ///< of the split's records
  std::unique_ptr<store::OpenShard> shard_;
  std::string open_;  ///< which shard it is

  std::optional<store::IntermediateStore> store_ahead_;  ///< of the thread behind `fetched_`
  std::string expected_;                                 ///< the shard that it fetches
  std::future<std::unique_ptr<store::OpenShard>> fetched_;
};

}  // namespace sluice::runtime
