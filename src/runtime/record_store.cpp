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

std::optional<RecordStore::WaitingBatch> RecordStore::next() const {
  const auto batch = flow_.next();
  if (!batch) return std::nullopt;
  return WaitingBatch{*batch, &filling_.at(*batch)};
}

void RecordStore::finished(control::BatchId batch, EncodedBatch outputs) {
  flow_.finished(outputs.size());
  if (!outputs.empty()) backlog_.push_back({batch, std::move(outputs)});
}

RecordStore::Outputs RecordStore::give(std::uint64_t records) {
  flow_.granted(records);
  return next_outputs(records);
}

std::optional<RecordStore::Due> RecordStore::give_ahead() {
  const auto grant = flow_.due_grant();
  if (!grant) return std::nullopt;
  return Due{*grant, next_outputs(grant->records)};
}

RecordStore::Outputs RecordStore::next_outputs(std::uint64_t records) {
  auto& [made_by, first] = backlog_.front();
  const bool is_rest = given_ + records == first.size();
  Outputs part{made_by, given_ == 0 && is_rest ? std::move(first) : first.slice(given_, records)};
  given_ = is_rest ? 0 : given_ + records;
  if (is_rest) backlog_.pop_front();
  return part;
}

}  // namespace sluice::runtime
