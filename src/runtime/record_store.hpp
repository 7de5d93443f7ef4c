#pragma once

#include "control/worker_flow.hpp"
#include "runtime/protocol.hpp"

#include <sluice/encoded_batch.hpp>

#include <deque>
#include <map>
#include <optional>

namespace sluice::runtime {

/// A worker's flow control together with the records that it counts: input batches that are being
/// assembled from parts, and outputs that wait for a grant. Owned by the communication thread.
class RecordStore {
 public:
  struct TakenBatch {
    control::BatchId id = 0;
    EncodedBatch records;
  };

  explicit RecordStore(const control::ChannelSpec& spec) : flow_(spec) {}

  void arrived(Data part);
  void sealed(const control::Seal& seal) { flow_.sealed(seal.batch, seal.total); }
  /// The next whole batch, if it may be processed now.
  std::optional<TakenBatch> take();
  struct WaitingBatch {
    control::BatchId id = 0;
    const EncodedBatch* records = nullptr;
  };
  /// The whole batch that will be next.
  std::optional<WaitingBatch> next() const;
  /// A batch that was taken is finished and left these outputs.
  void finished(control::BatchId batch, EncodedBatch outputs);
  struct Outputs {
    control::BatchId made_by = 0;
    EncodedBatch records;
  };
  /// The next `records` outputs, for the consumer that they were granted to.
  Outputs give(std::uint64_t records);

  void granted_ahead(const control::GrantAhead& order) { flow_.granted_ahead(order); }
  struct Due {
    control::Grant grant;
    Outputs outputs;
  };
  /// Outputs that are to go where it was said beforehand, if there are any.
  std::optional<Due> give_ahead();
  std::optional<control::Declined> decline() { return flow_.decline(); }

  const control::WorkerFlow& flow() const { return flow_; }

 private:
  Outputs next_outputs(std::uint64_t records);

  control::WorkerFlow flow_;
  std::map<control::BatchId, EncodedBatch> filling_;
  std::deque<Outputs> backlog_;
  std::size_t given_ = 0;  ///< how many records of the first of these are gone
};

}  // namespace sluice::runtime
