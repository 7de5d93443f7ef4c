#pragma once

#include "control/dispatcher.hpp"
#include "control/types.hpp"

#include <cstdint>
#include <map>
#include <optional>

namespace sluice::control {

/// One worker's side of flow control: which input batches are whole, and whether the next may be
/// taken into `process`. Pure; it counts records, their bytes are kept beside it.
///
/// A batch is taken only while nothing is in `process` and the backlog is empty, so that a worker
/// never stores more than one output batch (DESIGN I5).
class WorkerFlow {
 public:
  explicit WorkerFlow(std::uint64_t slots) : slots_(slots) {}

  /// A part of a batch has arrived; `total` as in Grant.
  void arrived(BatchId batch, std::uint64_t records, std::uint64_t total);
  void sealed(BatchId batch, std::uint64_t total);

  /// The batch to take into `process` now, if there is one; it counts as taken.
  std::optional<BatchId> take();

  /// `process` ended and left so many outputs as backlog.
  void finished(std::uint64_t outputs);
  /// The coordinator granted so many records of the backlog to a consumer.
  void granted(std::uint64_t records);

  bool running() const { return running_; }
  std::uint64_t backlog() const { return backlog_; }
  /// Nothing arrived, running or waiting to be sent.
  bool empty() const { return !running_ && backlog_ == 0 && gate_.empty(); }

 private:
  struct Filling {
    std::uint64_t records = 0;
    std::uint64_t total = 0;
  };
  Filling& filling(BatchId batch);
  static void complete(BatchId batch, Filling& contents, std::uint64_t total);

  std::uint64_t slots_;
  std::map<BatchId, Filling> gate_;  ///< batch ids grow, so the first is the oldest
  std::uint64_t backlog_ = 0;
  bool running_ = false;
};

}  // namespace sluice::control
