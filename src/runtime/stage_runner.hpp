#pragma once

#include "control/types.hpp"
#include "runtime/continuous_runner.hpp"
#include "runtime/device_lane.hpp"
#include "runtime/failure.hpp"
#include "runtime/processed.hpp"
#include "runtime/retries.hpp"

#include <sluice/any_stage.hpp>
#include <sluice/pipeline.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace sluice::runtime {

/// Runs one worker's user code, tries again what may be tried again, and turns what it throws into
/// failures that name the stage.
class StageRunner {
 public:
  using Processed = runtime::Processed;
  /// As records stay objects: what each part of the batch became.
  struct ProcessedHere {
    std::vector<AnyBatch> outputs;
    std::vector<store::DeadLetter> dead;
  };
  using Failed = StageFailed;

  /// `deliver`: the stage is the last and its outputs are not wanted, so they end here.
  StageRunner(const ErasedStage& stage, bool deliver, CallHooks hooks = {})
      : stage_(stage), deliver_(deliver), hooks_(std::move(hooks)) {}

  /// One attempt at `setup_on_node` or at `setup`. Nothing if it succeeded, else how long to wait
  /// before the next one. Throws Failed if there is none left.
  std::optional<std::chrono::nanoseconds> set_up(const WorkerContext& context, bool on_node);
  /// The batch that will probably come after the next one: it is got ready while that one is in
  /// `process`. The records must stay where they are until then.
  void expect(control::BatchId batch, const EncodedBatch& input) { expected_ = {batch, &input}; }
  /// What was expected does not come.
  void forget_expected();
  /// Outputs may stay on the device; else they come home.
  void keep_on_device(bool keep) { keep_on_device_ = keep; }
  /// The GPU that the stage works on, once it is set up; null if it has none.
  gpu::Device* device() const { return lane_ ? &lane_->device() : nullptr; }
  Processed process(control::BatchId batch, EncodedBatch input);
  /// Records that the stage need not see join its outputs as they are.
  void hand_on(const EncodedBatch& records, Processed& processed) const;
  ProcessedHere process_here(AnyBatch input);
  /// For a stage that takes several batches at once, once it is set up and until it is torn down.
  ContinuousRunner continuous();
  void tear_down();

 private:
  template <class Body>
  void guarded(Body body);
  EncodedBatch feed(control::BatchId batch, EncodedBatch input);
  AnyBatch on_device(AnyBatch input);
  void settle(control::BatchId batch, EncodedBatch& outputs);
  void attempt_setup(const WorkerContext& context, bool on_node);
  template <class Take>
  std::vector<store::DeadLetter> retry(EncodedBatch batch, Take take);

  const ErasedStage& stage_;
  bool deliver_;
  CallHooks hooks_;
  std::unique_ptr<DeviceLane> lane_;  ///< from `setup` on, if it has a GPU
  bool keep_on_device_ = false;
  std::pair<control::BatchId, const EncodedBatch*> expected_{0, nullptr};
  std::unique_ptr<AnyStage> user_;
  int rank_ = 0;
  std::string node_;
  std::uint64_t failed_setups_ = 0;     ///< in a row
  std::vector<std::uint64_t> origins_;  ///< of the records in process
};

}  // namespace sluice::runtime
