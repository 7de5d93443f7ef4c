#pragma once

#include "store/dead_letters.hpp"

#include <sluice/any_stage.hpp>
#include <sluice/pipeline.hpp>

#include <functional>
#include <vector>

namespace sluice::runtime {

/// Whether the stage's batches are kept as they came until they have been processed.
bool keeps_batches(const StageSpec& spec);

/// What is called around calls of user code in `process`; any may be empty.
struct CallHooks {
  std::function<void(const AnyBatch&)> before;  ///< given the records
  std::function<void()> between;                ///< one has ended, and another may follow
};

/// Has the stage process a batch, and again when that fails, as its spec allows: the whole batch,
/// then parts of it (control/attempts.hpp). `take` is given what each part became, in order; if it
/// throws, that counts as a failure of the part.
///
/// Returns what was given up, which leaves rank, node and the input's key open. Throws StageFailed
/// if a record cannot be processed and the stage has no dead letters, and for failures that are not
/// a record's: an output that cannot be written, or a bug in sluice.
std::vector<store::DeadLetter> process_with_retries(const ErasedStage& stage, AnyStage& user,
                                                    const EncodedBatch& batch,
                                                    const std::function<void(ProcessResult)>& take,
                                                    const CallHooks& hooks);

}  // namespace sluice::runtime
