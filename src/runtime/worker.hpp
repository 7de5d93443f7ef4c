#pragma once

#include "runtime/protocol.hpp"
#include "runtime/record_store.hpp"
#include "runtime/stage_runner.hpp"
#include "runtime/state_clock.hpp"
#include "transport/transport.hpp"

#include <sluice/run.hpp>

#include <functional>
#include <optional>
#include <string>

namespace sluice::runtime {

/// A rank other than the coordinator, from its first word to the end of the run. `run` is the only
/// thread: it talks to other ranks between calls of user code, and while user code runs the
/// transport keeps transfers moving. Nothing that a worker has to say or decide can come up
/// meanwhile: it has no backlog to hand out, and what arrives can wait for the batch to end.
class Worker {
 public:
  explicit Worker(transport::Transport& transport) : transport_(transport) {}

  /// Returns when the run has ended well; throws RunStopped when it has not.
  void run(const std::function<ErasedSpec()>& build);

 private:
  void introduce(const std::function<ErasedSpec()>& build);
  void turn();
  bool receive_all();

  void on(Data part);
  void on(Orders orders);
  void on(Bind order) { bind_this_thread(order.cores); }
  void on(End end) { end_ = std::move(end); }
  void on(Hello) {}
  void on(Report) {}
  void on(Failure) {}
  void on(Bye) {}

  void obey(const control::Assign& order);
  void obey(const control::Grant& order);
  void obey(const control::Seal& order);
  void obey(const control::Retire&);

  void process_next();
  template <class Body>
  void run_user_code(StateClock::State state, Body body);
  void note_waiting();
  void send_report();
  void fail(const Failure& failure);
  RecordStore& store();

  transport::Transport& transport_;
  ErasedSpec spec_;
  std::string host_;
  std::optional<StageRunner> runner_;
  std::optional<RecordStore> store_;  ///< from `setup` on
  StateClock clock_;
  Report report_;
  std::optional<End> end_;
  /// Seconds a batch, smoothed; at first long, so that a slot is reported as soon as it is free.
  double usual_process_time_ = 1;
  bool failed_ = false;
};

}  // namespace sluice::runtime
