#pragma once

#include "control/slowest.hpp"
#include "runtime/state_clock.hpp"

#include <sluice/encoded_batch.hpp>
#include <sluice/run.hpp>

#include <cstddef>
#include <vector>

namespace sluice::runtime {

/// Which batches of a worker took longest, for its reports. Times are those that the worker's clock
/// has anyway.
class SlowBatches {
 public:
  /// It is about to be in `process`, until the clock leaves that state.
  void begin(std::size_t stage, const EncodedBatch& records) {
    if (records.empty()) return;
    current_ = {0, stage, records.id(0).origin, records.size()};
  }
  void left(const StateClock::Stay& stay, std::vector<control::SlowBatch>& report) {
    if (stay.state != StateClock::State::running) return;
    current_.seconds = stay.end - stay.begin;
    note(current_, report);
    current_.records = 0;
  }
  /// One that has been; of no records if another rank of its group reports it.
  void note(const control::SlowBatch& batch, std::vector<control::SlowBatch>& report) {
    if (batch.records > 0 && slowest_.note(batch)) report.push_back(batch);
  }

 private:
  control::SlowBatch current_;
  control::Slowest slowest_;
};

/// As people know them. For the coordinator, which has the input's keys.
std::vector<SlowBatch> named(const control::Slowest& slowest, const ErasedSpec& spec);

}  // namespace sluice::runtime
