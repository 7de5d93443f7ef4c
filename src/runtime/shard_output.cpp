#include "runtime/shard_output.hpp"

#include <fmt/format.h>

#include <utility>

namespace sluice::runtime {

void ShardOutput::append(control::Span span, const EncodedBatch& outputs) {
  if (!draft_) {
    draft_ = store_.begin_shard(folder_, fmt::format("{}-{}", prefix_, begun_++), pipeline_);
    since_ = std::chrono::steady_clock::now();
  }
  draft_->append(outputs);
  draft_->cover(store::SplitRange{span.first, span.count});
}

store::ShardInfo ShardOutput::publish() {
  const auto draft = std::exchange(draft_, nullptr);
  return draft->publish();
}

}  // namespace sluice::runtime
