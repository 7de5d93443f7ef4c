#pragma once

#include "control/intake.hpp"
#include "runtime/processed.hpp"
#include "runtime/retries.hpp"

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::runtime {

/// Runs the batches that one worker has in a stage that takes several at once: gives it each, and
/// again when it fails, and puts together what each became. Throws StageFailed for what cannot be
/// borne. For the worker's thread.
class ContinuousRunner {
 public:
  struct Place {
    bool deliver = false;  ///< as in StageRunner
    int rank = 0;
    std::string node = {};
  };

  ContinuousRunner(const ErasedStage& stage, AnyContinuous& user, Place place)
      : stage_(stage), user_(&user), place_(std::move(place)), intake_(stage.spec.depth) {}

  /// What is called for a batch; any may be empty.
  struct Hooks {
    /// The stage is about to be given it for the first time: the input records of its records.
    std::function<void(control::BatchId, const std::vector<std::uint64_t>&)> begins;
    std::function<void(control::BatchId, const AnyBatch&)> given;  ///< it, or a part of it
  };
  void watch_with(Hooks hooks) { hooks_ = std::move(hooks); }
  void wake_with(std::function<void()> wake) { user_->wake_with(std::move(wake)); }

  /// A batch that the worker has taken.
  void take(control::BatchId batch, EncodedBatch records);
  bool any_waits() const { return !intake_.waiting().empty(); }
  /// Gives the stage what it may have now.
  void submit();
  /// A batch that is finished, if one is.
  std::optional<Processed> poll();
  /// What else is to be reported, in order.
  std::vector<control::Event> take_events() { return std::exchange(events_, {}); }

  /// The run begins again, and nobody wants what is in the stage.
  void abandon();

 private:
  using Ticket = control::Intake::Ticket;
  struct Trial {
    control::BatchId batch = 0;
    Retries retries;
    Processed processed = {};
    double began = 0;      ///< when the stage was first given it
    bool is_late = false;  ///< it did not go in as soon as it was taken
  };

  void submit(Ticket ticket, Trial& trial);
  void begin(Trial& trial);
  std::optional<AnyAnswer> poll_user();
  void on(AnyAnswer answer);
  void failed(Ticket ticket, Trial& trial, const std::exception_ptr& error);
  void go_on(Ticket ticket, Trial& trial);
  void finish(Trial& trial);
  void defer_waiting();

  const ErasedStage& stage_;
  AnyContinuous* user_;
  Place place_;
  Hooks hooks_;
  control::Intake intake_;
  Ticket last_ticket_ = 0;
  std::map<Ticket, Trial> trials_;
  std::deque<Processed> finished_;
  std::vector<control::Event> events_;
};

}  // namespace sluice::runtime
