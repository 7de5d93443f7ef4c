#pragma once

#include "control/batch_types.hpp"
#include "store/intermediate_store.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace sluice::runtime {

/// What a worker makes of its splits, in shards: one at a time is being written.
class ShardOutput {
 public:
  /// Shards are named `prefix`-0, `prefix`-1, …
  ShardOutput(store::IntermediateStore& store, std::string folder, std::string prefix,
              store::PipelineText pipeline)
      : store_(store),
        folder_(std::move(folder)),
        prefix_(std::move(prefix)),
        pipeline_(std::move(pipeline)) {}

  struct Shard {
    store::ShardInfo info;
    std::vector<store::DeadLetter> dead;  ///< of the splits that it covers
  };

  /// What the records of `span` became, and which of them were given up.
  void append(control::Span span, const EncodedBatch& outputs,
              std::vector<store::DeadLetter> dead = {});

  bool empty() const noexcept { return draft_ == nullptr; }
  bool full() const noexcept { return draft_ && draft_->full(); }
  /// When the first of what is not published yet was appended.
  std::chrono::steady_clock::time_point since() const noexcept { return since_; }

  /// The commit of what was appended. It must not be empty.
  Shard publish();

 private:
  store::IntermediateStore& store_;
  std::string folder_;
  std::string prefix_;
  store::PipelineText pipeline_;
  std::uint64_t begun_ = 0;
  std::unique_ptr<store::ShardDraft> draft_;
  std::vector<store::DeadLetter> dead_;
  std::chrono::steady_clock::time_point since_;
};

}  // namespace sluice::runtime
