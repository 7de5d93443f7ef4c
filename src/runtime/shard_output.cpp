#include "runtime/shard_output.hpp"

#include <fmt/format.h>

#include <iterator>
#include <utility>

namespace sluice::runtime {

void ShardOutput::append(control::Span span, const EncodedBatch& outputs,
                         std::vector<store::DeadLetter> dead) {
  if (!draft_) {
    draft_ = store_.begin_shard(folder_, fmt::format("{}-{}", prefix_, begun_++), pipeline_);
    since_ = std::chrono::steady_clock::now();
  }
  draft_->append(outputs);
  draft_->cover(store::SplitRange{span.first, span.count});
  std::move(dead.begin(), dead.end(), std::back_inserter(dead_));
}

// The dead letters first: they count if the shard is published, and only then.
ShardOutput::Shard ShardOutput::publish() {
  const auto draft = std::exchange(draft_, nullptr);
  store_.write_dead_letters(folder_, draft->name(), dead_);
  return {draft->publish(), std::exchange(dead_, {})};
}

}  // namespace sluice::runtime
