#pragma once

#include "runtime/state_clock.hpp"
#include "store/trace_file.hpp"

#include <sluice/any_stage.hpp>
#include <sluice/run.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluice::runtime {

/// What a rank adds to the run's trace: nothing unless one was asked for. For the rank's thread.
class Tracer {
 public:
  Tracer() = default;
  ~Tracer() { abandon(); }
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  void open(const ErasedSpec& spec, std::uint64_t attempt, int rank, int node,
            const std::string& host);
  bool on() const noexcept { return writer_ != nullptr; }

  /// The clock has left a state.
  void left(const StateClock::Stay& stay, std::size_t stage);
  /// The next call of `process` is for this batch.
  void expect(std::uint64_t epoch, std::uint64_t batch, const EncodedBatch& records);
  /// These are its records, or the first of them.
  void note_keys(const RecordType& type, const AnyBatch& records);
  /// It made so many records, and gave so many up.
  void made(std::uint64_t records, std::uint64_t dead) {
    batch_.out = records;
    batch_.dead = dead;
  }

  // Of a stage that has several batches at once, each by its number.
  void begin(std::size_t stage, std::uint64_t epoch, std::uint64_t batch,
             const std::vector<std::uint64_t>& origins);
  void note_keys(std::uint64_t batch, const RecordType& type, const AnyBatch& records);
  void end(std::uint64_t batch, std::uint64_t records, std::uint64_t dead);
  /// None of them is finished any more.
  void abandon();

  /// Why the trace is incomplete, the first time that it is; else empty.
  std::string take_trouble();
  /// Outputs of the batch `made_by` go to `batch`.
  void sent(std::size_t stage, std::uint64_t epoch, std::uint64_t made_by, std::uint64_t batch,
            std::uint64_t records);

 private:
  friend class TracedCall;
  void called(const store::TraceSpan& span, bool failed);
  std::uint64_t free_lane() const;

  std::unique_ptr<store::TraceWriter> writer_;
  store::TraceBatch batch_;
  std::map<std::uint64_t, store::TraceBatch> open_;  ///< by their numbers
  std::string folder_;
};

/// A call of user code, from here to the end of the block.
class TracedCall {
 public:
  TracedCall(Tracer& tracer, store::TraceState state, std::size_t stage);
  ~TracedCall();
  TracedCall(const TracedCall&) = delete;
  TracedCall& operator=(const TracedCall&) = delete;

 private:
  Tracer& tracer_;
  store::TraceSpan span_;
  int exceptions_ = 0;
};

}  // namespace sluice::runtime
