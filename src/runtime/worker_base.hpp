#pragma once

#include "base/log.hpp"
#include "base/remarks.hpp"
#include "control/coordinator_watch.hpp"
#include "runtime/artifact_courier.hpp"
#include "runtime/protocol.hpp"
#include "runtime/retries.hpp"
#include "runtime/stop_signals.hpp"
#include "runtime/tracer.hpp"
#include "transport/transport.hpp"

#include <sluice/run.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>

namespace sluice::runtime {

/// A rank other than the coordinator, from its first word to the end of the run, whatever its mode:
/// says what it is about to run, takes its turns, and tells the coordinator if it cannot go on.
class WorkerBase {
 public:
  explicit WorkerBase(transport::Transport& transport) : transport_(transport) {}
  virtual ~WorkerBase() = default;
  WorkerBase(const WorkerBase&) = delete;
  WorkerBase& operator=(const WorkerBase&) = delete;

  /// Returns when the run has ended well; throws RunStopped when it has not.
  void run(const std::function<ErasedSpec()>& build);

 protected:
  /// What there is to do: true if something was done, and there may be more.
  virtual bool work() = 0;
  virtual void handle(Packet packet) = 0;
  /// Of what comes while user code runs: true if it has been dealt with.
  virtual bool handle_at_once(transport::Message&) { return false; }
  /// How long it may sleep if nothing comes.
  virtual std::chrono::nanoseconds longest_wait() const { return std::chrono::seconds(1); }

  bool receive_all();
  /// If it has not done so for a beat: before each call of user code, and each turn.
  void say_alive();
  /// Before a report of what user code did, after which the run may be over.
  void pass_on_remarks();
  /// In an absence: another call of user code follows the one that has just ended.
  void come_up_for_air();
  /// In a presence, while user code waits for other ranks of its group: takes in what they say.
  /// False if the worker has been told something that ends all calls.
  bool look_in_call();
  /// Notes, and tells the coordinator, which ranks of its node have died.
  void look_for_lost();
  const std::set<control::Rank>& lost() const { return lost_; }
  bool is_lost(control::Rank rank) const { return lost_.contains(rank); }
  /// For the calls of a stage, which lives as long as the spec.
  CallHooks hooks(const ErasedStage& stage);
  bool ended() const noexcept { return end_.has_value(); }

  transport::Transport& transport_;
  ErasedSpec spec_;
  std::string host_;
  Tracer tracer_;
  std::vector<std::string> gpus_;  ///< of its worker, as CUDA_VISIBLE_DEVICES names them
  std::uint64_t calls_ = 0;        ///< of user code, that have ended

 private:
  using Clock = std::chrono::steady_clock;

  void introduce(const std::function<ErasedSpec()>& build);
  void build_spec(const std::function<ErasedSpec()>& build);
  void turn();
  void pass_on_signal();
  void coordinator_died();
  void show_life_in_absence();
  void look_for_coordinator();
  void on(Packet packet);
  void on(const Begin& begin);
  bool carried(Packet& packet);
  void fail(const Failure& failure);

  std::optional<transport::Message> next_message();

  std::deque<transport::Message> kept_;  ///< that came while user code ran
  bool interrupted_ = false;             ///< the run's end or a new beginning is among them
  std::optional<RankLog> log_;
  std::optional<Remarks> remarks_;  ///< of user code, on this thread, from `run` on
  std::optional<End> end_;
  std::set<control::Rank> lost_;  ///< that this rank knows of
  bool failed_ = false;
  std::optional<ArtifactCourier> courier_;  ///< if it has a part in spreading artifacts
  std::optional<StopSignals> signals_;      ///< if this process is not the coordinator's
  bool signal_passed_on_ = false;
  // Guarded as the transport is: the communication thread's, but for absences.
  std::optional<control::CoordinatorWatch> watch_;  ///< if the coordinator is another process
  std::string coordinators_host_;                   ///< once it has said so
  const Clock::time_point started_ = Clock::now();
  std::chrono::nanoseconds beat_ = std::chrono::milliseconds(500);
  Clock::time_point next_word_;
};

}  // namespace sluice::runtime
