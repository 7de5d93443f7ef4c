#pragma once

#include "base/log.hpp"
#include "base/remarks.hpp"
#include "control/coordinator_watch.hpp"
#include "control/gpu_seats.hpp"
#include "control/slowest.hpp"
#include "control/watchdog.hpp"
#include "runtime/artifact_spread.hpp"
#include "runtime/dead_letter_book.hpp"
#include "runtime/hang.hpp"
#include "runtime/protocol.hpp"
#include "runtime/run_topology.hpp"
#include "runtime/seats.hpp"
#include "runtime/spec.hpp"
#include "runtime/stop_signals.hpp"
#include "runtime/time_limit.hpp"
#include "transport/transport.hpp"

#include <sluice/error.hpp>
#include <sluice/run.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sluice::runtime {

/// Rank 0, whatever its mode: meets the other ranks, hears of their failures, tells them when the
/// run is over, and shows its status. `run` is the rank's communication thread.
///
/// To the transport that thread is away but for the moments in which it sends and receives: reading
/// the input, a sync of the journal, or a callback may take long, and meanwhile the deputy goes on
/// giving signs of life to the workers.
class CoordinatorBase {
 public:
  explicit CoordinatorBase(transport::Transport& transport) : transport_(transport) {}
  virtual ~CoordinatorBase() = default;
  CoordinatorBase(const CoordinatorBase&) = delete;
  CoordinatorBase& operator=(const CoordinatorBase&) = delete;

  /// Runs to the end; on any failure tells all ranks to stop and throws the cause.
  RunStatus run(const std::function<ErasedSpec()>& build);

  /// After `run` has thrown: whether every rank has stopped, `longest` later at most.
  bool all_stopped_within(std::chrono::nanoseconds longest);

 protected:
  /// The run, once all ranks have said Hello.
  virtual void run_stages() = 0;
  virtual void handle(Packet packet, control::Rank from) = 0;
  virtual RunStatus status() const = 0;
  /// What waits at each stage.
  virtual std::vector<Waiting> waiting() const = 0;
  /// The run was told to stop early: from now on nothing new is begun.
  virtual void stop_early() = 0;
  /// These ranks have died, after all had said Hello; they are fenced off already. Throws Error if
  /// the run cannot go on without them.
  virtual void lose(const std::vector<control::Rank>& ranks) = 0;

  bool receive_all();
  /// Nothing stands in the way of the run any more: all ranks hear of it before anything else.
  void begin_run();
  /// Leaves with the next `hand_over`, or the next wait.
  void send(control::Rank to, Packet packet);
  void hand_over();
  /// Binds the rank to the cores that it is to have; before the order goes out, so that it sets up
  /// there.
  void seat(const control::Assign& order);
  /// All workers have left their stages.
  void free_seats() { seats_.free_all(); }
  /// The GPUs of all ranks, none of which is taken; `places`: of the plan.
  control::GpuSeats gpu_seats(const std::vector<control::StageDemand>& stages,
                              control::GpuPlaces places) const;
  void note_slow(std::vector<control::SlowBatch> slow, control::Rank from);
  void show_status(bool finished);
  /// Sleeps until a message comes, a status is due, or `until`.
  void wait_until(control::Time until);
  /// To be done once a turn, when all that came was handled: shows a status if one is due, heeds
  /// signals, and throws if something hangs.
  void look_around();
  /// The watchdog hears of what is ordered and of what happens.
  void watch(const auto& command_or_event) { watchdog_->note(command_or_event); }

  bool stopping() const noexcept { return stopping_ != 0; }
  /// The ranks that are left begin again, and no batch of before is waited for.
  void watch_anew() { watchdog_->begin_again(); }
  /// The time that was given to finish what was in flight is over.
  bool out_of_grace() const { return stopping() && now() > grace_ends_; }
  /// Ends a run that was told to stop before all was done; `progress` says how far it came.
  [[noreturn]] void throw_stopped(const std::string& progress) const;
  [[noreturn]] void throw_not_begun(const std::string& waited_for) const;
  /// Throws LaunchError if they do not all find room where their ranks can see it. `first`: the
  /// stage that the seats know as stage 0.
  void require_seats(control::GpuSeats seats, std::vector<control::GpuSeats::Worker> workers,
                     std::size_t first = 0) const;
  /// The run cannot go on without the lost ranks.
  [[noreturn]] void throw_too_few(const LaunchError& why) const;

  control::Time now() const;
  double seconds() const { return std::chrono::duration<double>(now()).count(); }
  /// -1 for those that are lost.
  std::vector<int> node_of_rank() const;
  const std::set<control::Rank>& lost() const { return lost_; }
  control::Topology topology() const { return topology_.topology(); }

  transport::Transport& transport_;
  ErasedSpec spec_;
  std::uint64_t control_messages_ = 0;
  std::optional<DeadLetterBook> dead_letters_;  ///< once the run begins

 private:
  template <class Talk>
  void talk(Talk what);
  void go_away();
  void set_beat(control::Time beat);
  void say_alive();
  void greet();
  void place_artifacts();
  void handle_lost(const std::vector<control::Rank>& ranks);
  std::vector<control::Rank> note_lost(const std::vector<control::Rank>& ranks);
  int workers_left() const;
  void end_run(const End& end);
  RunStatus current_status(bool finished) const;
  void on(Packet packet, control::Rank from);
  void heed_signals();
  int reason_to_stop();
  std::chrono::nanoseconds grace() const;
  void check_for_stall();

  std::optional<RankLog> log_;
  std::string text_;
  std::set<control::Rank> greeted_;
  NewRemarks remarks_{1000};
  std::set<control::Rank> lost_;
  bool running_ = false;                  ///< all have said Hello
  std::optional<ArtifactSpread> spread_;  ///< until all are where they belong
  RunTopology topology_;
  Seats seats_;
  std::map<control::Rank, Machine> machines_;
  std::set<control::Rank> stopped_;  ///< those that have said Bye and are not lost since
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  control::Time next_status_{0};
  std::optional<StopSignals> signals_;
  int signalled_rank_ = 0;               ///< the signal that a rank has passed on
  std::optional<TimeLimit> time_limit_;  ///< if the run can be resumed
  int stopping_ = 0;                     ///< the signal that the run obeys, or `end_of_job`
  control::Time grace_ends_{0};
  std::optional<control::Watchdog> watchdog_;
  std::vector<std::string> hosts_;  ///< by rank
  control::Time next_check_{0};
  std::vector<transport::Message> outgoing_;
  control::Slowest slowest_;

  // For signs of life. Guarded as the transport is: the communication thread's, but for absences.
  const std::string host_ = host_name();
  control::Time beat_ = control::sign_beat(control::Time{0});
  control::Time next_sign_{0};
  std::optional<transport::Absence> away_;  ///< while a run lasts, unless it talks to other ranks
};

}  // namespace sluice::runtime
