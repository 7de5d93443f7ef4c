#pragma once

#include "runtime/protocol.hpp"
#include "runtime/record_store.hpp"
#include "runtime/stage_runner.hpp"
#include "runtime/state_clock.hpp"
#include "runtime/worker_base.hpp"

#include <optional>

namespace sluice::runtime {

/// A rank other than the coordinator in streaming mode. `run` is its only thread: it talks to other
/// ranks between calls of user code, and while user code runs the transport keeps transfers moving.
/// Nothing that a worker has to say or decide can come up meanwhile: it has no backlog to hand out,
/// and what arrives can wait for the batch to end.
class Worker final : public WorkerBase {
 public:
  using WorkerBase::WorkerBase;

 private:
  bool work() override;
  void handle(Packet packet) override;

  void on(Data part);
  void on(Orders orders);

  void obey(const control::Assign& order);
  void obey(const control::Grant& order);
  void obey(const control::Seal& order);
  void obey(const control::Retire&);

  void process_next();
  template <class Body>
  void run_user_code(StateClock::State state, Body body);
  void note_waiting();
  void send_report();
  RecordStore& store();

  std::optional<StageRunner> runner_;
  std::optional<RecordStore> store_;  ///< from `setup` on
  StateClock clock_;
  Report report_;
  /// Seconds a batch, smoothed; at first long, so that a slot is reported as soon as it is free.
  double usual_process_time_ = 1;
};

}  // namespace sluice::runtime
