#pragma once

#include "runtime/state_clock.hpp"
#include "store/trace_file.hpp"

#include <sluice/any_stage.hpp>
#include <sluice/run.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace sluice::runtime {

/// What a rank adds to the run's trace: nothing unless one was asked for. For the rank's thread.
class Tracer {
 public:
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
  /// Why the trace is incomplete, the first time that it is; else empty.
  std::string take_trouble();
  void sent(std::size_t stage, std::uint64_t epoch, std::uint64_t batch, std::uint64_t records);

 private:
  friend class TracedCall;
  void called(const store::TraceSpan& span, bool failed);

  std::unique_ptr<store::TraceWriter> writer_;
  store::TraceBatch batch_;
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
