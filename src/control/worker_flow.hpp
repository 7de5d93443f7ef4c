#pragma once

#include "control/dispatcher.hpp"
#include "control/types.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>

namespace sluice::control {

/// How a worker's time divides now; the sum is 1.
struct Shares {
  double running = 0;
  double starved = 0;
  double blocked = 0;
};

/// One worker's side of flow control: which input batches are whole, and whether the next may be
/// taken into `process`. Pure; it counts records, their bytes are kept beside it.
///
/// A batch is taken only while fewer than `depth` batches are in `process` or have left outputs
/// that wait for a grant: so a worker never stores more than `depth` output batches, and with the
/// usual depth of one takes nothing before its backlog is empty (DESIGN I5).
class WorkerFlow {
 public:
  explicit WorkerFlow(const ChannelSpec& spec) : prefetch_(spec.prefetch()), depth_(spec.depth) {}

  /// A part of a batch has arrived; `total` as in Grant.
  void arrived(BatchId batch, std::uint64_t records, std::uint64_t total);
  void sealed(BatchId batch, std::uint64_t total);

  /// The batch to take into `process` now, if there is one; it counts as taken.
  std::optional<BatchId> take();
  /// The one that will be next, as far as can be told: it stays.
  std::optional<BatchId> next() const;

  /// `process` of a batch ended and left so many outputs as backlog.
  void finished(std::uint64_t outputs);
  /// The coordinator granted so many records of the backlog to a consumer: of one batch's outputs,
  /// and of those that have waited longest.
  void granted(std::uint64_t records);

  /// Where its next outputs go is known beforehand.
  void granted_ahead(const GrantAhead& order);
  /// What became of that: the grant to carry out now, if there are outputs; it counts as granted.
  std::optional<Grant> due_grant();
  /// Or the word that it was of no use, if a batch left no outputs or there is none to process.
  std::optional<Declined> decline();

  std::uint64_t running() const { return running_; }  ///< batches
  std::uint64_t backlog() const { return backlog_; }  ///< records
  /// Batches of which outputs wait.
  std::uint64_t waiting() const { return outputs_.size(); }
  std::uint64_t depth() const { return depth_; }
  /// Of what it could have in process. So records a second of running time are what it would do if
  /// it were full, as far as one batch does not slow the others down.
  Shares shares() const;
  /// Nothing arrived, running or waiting to be sent.
  bool empty() const { return running_ == 0 && backlog_ == 0 && gate_.empty(); }

 private:
  struct Filling {
    std::uint64_t records = 0;
    std::uint64_t total = 0;
  };
  Filling& filling(BatchId batch);
  static void complete(BatchId batch, Filling& contents, std::uint64_t total);

  std::uint64_t prefetch_;
  std::uint64_t depth_;
  std::map<BatchId, Filling> gate_;    ///< batch ids grow, so the first is the oldest
  std::deque<std::uint64_t> outputs_;  ///< that wait, by batch, in the order in which they ended
  std::uint64_t backlog_ = 0;          ///< the sum of those
  std::uint64_t running_ = 0;
  std::optional<GrantAhead> ahead_;
  bool made_nothing_ = false;  ///< of a batch that it had in process with that
};

}  // namespace sluice::control
