#include "runtime/split_reader.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace sluice::runtime {

void SplitReader::expect(const Split& next) {
  if (!store_.fetches() || next.shard.empty() || next.shard == open_ || fetched_.valid()) return;
  if (!store_ahead_) store_ahead_.emplace(another_());
  expected_ = next.shard;
  fetched_ = std::async(std::launch::async, [this, shard = store::shard_info(next.shard)] {
    return store_ahead_->open_shard(folder_, shard);
  });
}

void SplitReader::begin(Split split) {
  split_ = std::move(split);
  done_ = 0;
  if (split_.shard.empty() || split_.shard == open_) return;
  shard_.reset();
  if (fetched_.valid() && split_.shard == expected_) {
    shard_ = fetched_.get();
  } else {
    shard_ = store_.open_shard(folder_, store::shard_info(split_.shard));
  }
  open_ = split_.shard;
}

SplitReader::Batch SplitReader::next(std::uint64_t most_records) {
  const auto most = std::min(most_records, split_.records.count - done_);
  Batch batch;
  if (split_.shard.empty()) {
    batch.records = split_.input.slice(done_, most);
  } else {
    batch.records = shard_->reader().read(split_.offset + done_, most,
                                          std::numeric_limits<std::uint64_t>::max());
  }
  batch.span = {split_.records.first + done_, batch.records.size()};
  done_ += batch.records.size();
  return batch;
}

}  // namespace sluice::runtime
