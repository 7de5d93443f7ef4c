#pragma once

#include "runtime/compute_thread.hpp"
#include "runtime/protocol.hpp"
#include "runtime/record_store.hpp"
#include "runtime/state_clock.hpp"
#include "transport/transport.hpp"

#include <sluice/run.hpp>

#include <functional>
#include <optional>
#include <string>

namespace sluice::runtime {

/// A rank other than the coordinator, from its first word to the end of the run. `run` is the
/// rank's communication thread; it owns everything here, and a ComputeThread for the user's code.
class Worker {
 public:
  explicit Worker(transport::Transport& transport) : transport_(transport) {}

  /// Returns when the run has ended well; throws RunStopped when it has not.
  void run(const std::function<ErasedSpec()>& build);

  /// False while user code is still running, `longest` after the run was stopped.
  bool stopped_within(std::chrono::nanoseconds longest);

 private:
  void introduce(const std::function<ErasedSpec()>& build);
  void turn();
  bool receive_all();
  bool collect_outcomes();

  void on(Data part);
  void on(Orders orders);
  void on(End end);
  void on(Hello) {}
  void on(Report) {}
  void on(Failure) {}

  void obey(const control::Assign& order);
  void obey(const control::Grant& order);
  void obey(const control::Seal& order);
  void obey(const control::Retire&) { retiring_ = true; }

  void conclude(NodeIsSetUp&);
  void conclude(IsSetUp&);
  void conclude(Processed& outcome);
  void conclude(IsTornDown&);
  void conclude(Failure& failure);

  void start_next();
  void retire();
  void note_state();
  void send_report();
  void fail(const Failure& failure);
  RecordStore& store();

  transport::Transport& transport_;
  ErasedSpec spec_;
  std::string host_;
  std::optional<ComputeThread> compute_;
  std::optional<RecordStore> store_;
  StateClock clock_;
  Report report_;
  std::optional<End> end_;
  bool setting_up_ = false;  ///< `setup_on_node` or `setup` is under way
  bool set_up_ = false;
  bool retiring_ = false;
  bool left_ = false;
  bool failed_ = false;
};

}  // namespace sluice::runtime
