#pragma once

#include "control/attempts.hpp"
#include "runtime/failure.hpp"
#include "store/dead_letters.hpp"

#include <sluice/any_stage.hpp>
#include <sluice/pipeline.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace sluice::runtime {

/// Whether the stage's batches are kept as they came until they have been processed.
bool keeps_batches(const StageSpec& spec);

/// What is called around calls of user code in `process`; any may be empty.
struct CallHooks {
  std::function<void(const AnyBatch&)> before;  ///< given the records
  std::function<void()> between;                ///< one has ended, and another may follow
};

/// A batch that is tried until nothing of it is left to try, as its stage's spec allows.
class Retries {
 public:
  using Part = control::Attempts::Part;

  Retries(const ErasedStage& stage, EncodedBatch batch)
      : stage_(stage), batch_(std::move(batch)), attempts_(batch_.size(), stage.spec.attempts) {}

  /// What to try next, if anything.
  std::optional<Part> next() const { return attempts_.next(); }
  AnyBatch decode(Part part) const;

  void succeeded() { attempts_.succeeded(); }
  /// Throws StageFailed if that cannot be borne, and the error itself if it is a bug.
  void failed(const std::exception_ptr& error);

  std::vector<std::uint64_t> origins(Part part) const;
  std::vector<std::uint64_t> origins() const { return origins({0, batch_.size()}); }
  /// What was given up, which leaves rank and node open.
  std::vector<store::DeadLetter> take_dead() { return std::move(dead_); }

 private:
  void log(Part part, std::size_t at_fault, const std::string& message) const;
  void give_up(Part part, Failure failure);
  std::string key_of(Part part) const;

  const ErasedStage& stage_;
  EncodedBatch batch_;
  control::Attempts attempts_;
  std::vector<store::DeadLetter> dead_;
};

/// Has the stage process a batch, and again when that fails, as its spec allows: the whole batch,
/// then parts of it (control/attempts.hpp). `take` is given what each part became, in order; if it
/// throws, that counts as a failure of the part.
///
/// Returns what was given up, which leaves rank, node and the input's key open. Throws StageFailed
/// if a record cannot be processed and the stage has no dead letters, and for failures that are not
/// a record's: an output that cannot be written, or a bug in sluice.
std::vector<store::DeadLetter> process_with_retries(const ErasedStage& stage, AnyStage& user,
                                                    EncodedBatch batch,
                                                    const std::function<void(ProcessResult)>& take,
                                                    const CallHooks& hooks);

}  // namespace sluice::runtime
