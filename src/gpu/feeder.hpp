#pragma once

#include "control/prefetch.hpp"
#include "gpu/copies.hpp"

#include <sluice/encoded_batch.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

namespace sluice::gpu {

/// Gets a worker's batches to its device: the next ones while the present one is in process. It
/// does what control::Prefetch decides. If the device is full, what waits is copied later, and
/// gives up its room to what is wanted now. The worker's thread calls.
class Feeder {
 public:
  Feeder(std::unique_ptr<Copies> copies, std::uint64_t budget)
      : copies_(std::move(copies)), prefetch_({budget}) {}

  /// A whole batch that will be taken some time, or forgotten; its records stay where they are.
  void expect(control::BatchId batch, const EncodedBatch& records);
  /// The records, with their buffers on the device. Waits until they are there.
  EncodedBatch take(control::BatchId batch, EncodedBatch records);
  /// The batch that was taken has been processed.
  void finished(control::BatchId batch);
  /// None of what was expected will be taken.
  void forget();

  const control::Prefetch& plan() const { return prefetch_; }

 private:
  void start_copies();
  void start_copy(control::BatchId batch);
  bool make_room();
  void look();

  std::unique_ptr<Copies> copies_;
  control::Prefetch prefetch_;
  /// Of batches that are not taken yet: shared with whoever holds the records.
  std::map<control::BatchId, std::vector<Buffer>> sources_;
  std::set<control::BatchId> copying_;
};

}  // namespace sluice::gpu
