#pragma once

#include "control/types.hpp"
#include "runtime/failure.hpp"

#include <sluice/any_stage.hpp>
#include <sluice/pipeline.hpp>

#include <cstdint>
#include <memory>
#include <vector>

namespace sluice::runtime {

/// Runs one worker's user code, and turns what it throws into failures that name the stage.
class StageRunner {
 public:
  struct Processed {
    control::Finished event;
    EncodedBatch outputs;
  };
  /// Thrown instead of what user code threw.
  struct Failed {
    Failure failure;
  };

  /// `deliver`: the stage is the last and its outputs are not wanted, so they end here.
  StageRunner(const ErasedStage& stage, bool deliver) : stage_(stage), deliver_(deliver) {}

  void set_up_node(const WorkerContext& context);
  void set_up(const WorkerContext& context);
  Processed process(control::BatchId batch, EncodedBatch input);
  /// Records that the stage need not see join its outputs as they are.
  void hand_on(const EncodedBatch& records, Processed& processed) const;
  void tear_down();

 private:
  template <class Body>
  void guarded(Body body);
  Processed process_decoded(control::BatchId batch, AnyBatch input);

  const ErasedStage& stage_;
  bool deliver_;
  std::unique_ptr<AnyStage> user_;
  std::vector<std::uint64_t> origins_;  ///< of the records in process
};

}  // namespace sluice::runtime
