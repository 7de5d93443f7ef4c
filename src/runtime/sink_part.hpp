#pragma once

#include "runtime/part_outputs.hpp"
#include "runtime/run_journal.hpp"
#include "store/dead_letters.hpp"

#include <sluice/encoded_batch.hpp>
#include <sluice/stage.hpp>

#include <string>

namespace sluice::runtime {

/// A worker's parts of what its stage writes at teardown: one after another, each from a setup to a
/// teardown, in a folder of its own.
class SinkPart {
 public:
  /// `prefix`: no other worker has parts that begin so. `written`: records that are in a part
  /// already and must not be written again.
  SinkPart(PartFolders folders, std::uint64_t stage, std::string prefix, IdSet written);

  /// Begins a part: where the stage is to write it.
  WorkerContext begin(WorkerContext context);
  /// Nothing has been written to it yet.
  bool empty() const noexcept { return ids_.empty(); }

  /// Other records are in parts already than was said at first.
  void set_written(IdSet written);
  /// Takes those records out of the batch that are in a part already.
  EncodedBatch take_written(EncodedBatch& batch) const;
  /// These records have been written, but for those that were given up.
  void add(const std::vector<RecordId>& ids, const std::vector<store::DeadLetter>& dead);

  /// After the teardown: makes it safe. Throws IoError.
  ClosedPart close();

 private:
  PartFolders folders_;
  std::uint64_t stage_;
  std::string prefix_;
  IdSet written_;
  std::uint64_t begun_ = 0;
  std::string name_;
  IdSet ids_;
  std::uint64_t records_ = 0;
};

}  // namespace sluice::runtime
