#include "runtime/sink_part.hpp"

#include "base/fault_point.hpp"
#include "store/disk.hpp"

#include <fmt/format.h>

#include <set>
#include <utility>

namespace sluice::runtime {
namespace {

RecordPath path_of(const std::vector<std::uint32_t>& numbers) {
  RecordPath path;
  for (const auto number : numbers) path = path.child(number);
  return path;
}

}  // namespace

SinkPart::SinkPart(PartFolders folders, std::uint64_t stage, std::string prefix, IdSet written)
    : folders_(std::move(folders)), stage_(stage), prefix_(std::move(prefix)) {
  set_written(std::move(written));
}

WorkerContext SinkPart::begin(WorkerContext context) {
  name_ = fmt::format("{}-n{}", prefix_, begun_++);
  ids_ = {};
  records_ = 0;
  context.final_dir = context.run_dir;
  context.run_dir = folders_.relative(name_);
  context.root = folders_.absolute(name_);
  // It is the only file of its part, whoever else writes: parts are told apart by their folders.
  context.worker = 0;
  context.workers = 1;
  store::make_folder(context.run_dir);
  return context;
}

void SinkPart::set_written(IdSet written) {
  written_ = std::move(written);
  written_.sort();
}

EncodedBatch SinkPart::take_written(EncodedBatch& batch) const {
  EncodedBatch again;
  if (written_.empty()) return again;
  EncodedBatch rest;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    (written_.contains(batch.id(i)) ? again : rest).append(batch.slice(i, 1));
  }
  if (!again.empty()) batch = std::move(rest);
  return again;
}

void SinkPart::add(const std::vector<RecordId>& ids, const std::vector<store::DeadLetter>& dead) {
  std::set<RecordId> given_up;
  for (const auto& letter : dead) given_up.insert({letter.input, path_of(letter.path)});
  for (const auto& id : ids) {
    if (!given_up.contains(id)) ids_.add(id);
  }
  records_ += ids.size() - given_up.size();
}

ClosedPart SinkPart::close() {
  fault_point("part.closed");
  sync_part(folders_.of(name_));
  return {{stage_, name_, records_}, std::exchange(ids_, {})};
}

}  // namespace sluice::runtime
