#include "runtime/record_store.hpp"

#include <utility>

namespace sluice::runtime {

void RecordStore::arrived(Data part) {
  flow_.arrived(part.batch, part.records.size(), part.total);
  const auto [it, first] = filling_.try_emplace(part.batch);
  if (first) {
    it->second = std::move(part.records);
  } else {
    it->second.append(part.records);
  }
}

std::optional<RecordStore::TakenBatch> RecordStore::take() {
  const auto batch = flow_.take();
  if (!batch) return std::nullopt;
  auto contents = filling_.extract(*batch);
  return TakenBatch{*batch, std::move(contents.mapped())};
}

void RecordStore::finished(EncodedBatch outputs) {
  flow_.finished(outputs.size());
  backlog_ = std::move(outputs);
  given_ = 0;
}

EncodedBatch RecordStore::give(std::uint64_t records) {
  flow_.granted(records);
  if (given_ == 0 && flow_.backlog() == 0) return std::exchange(backlog_, {});
  auto part = backlog_.slice(given_, records);
  given_ += records;
  if (flow_.backlog() == 0) backlog_ = {};
  return part;
}

}  // namespace sluice::runtime
