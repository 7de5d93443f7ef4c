#pragma once

#include "control/slowest.hpp"
#include "control/types.hpp"
#include "store/dead_letters.hpp"

#include <sluice/any_stage.hpp>
#include <sluice/pipeline.hpp>

#include <cstdint>
#include <vector>

namespace sluice::runtime {

/// What a batch became.
struct Processed {
  control::Finished event;
  EncodedBatch outputs;
  std::vector<store::DeadLetter> dead;
  control::SlowBatch spent;  ///< in a stage that takes several batches at once; else no records
};

/// Adds what a part of the batch became, or, if that cannot be encoded, nothing. If the event says
/// that outputs are delivered, they end here.
void add(const ErasedStage& stage, ProcessResult result, Processed& processed);

/// All of the batch has been processed or given up; `origins` are those of its records. A dead
/// record has no descendants. The last stage's inputs are done, whatever became of them.
void conclude(const std::vector<std::uint64_t>& origins, Processed& processed);

}  // namespace sluice::runtime
