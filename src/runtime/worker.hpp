#pragma once

#include "runtime/device_handover.hpp"
#include "runtime/group_calls.hpp"
#include "runtime/pending_setup.hpp"
#include "runtime/protocol.hpp"
#include "runtime/record_store.hpp"
#include "runtime/sink_part.hpp"
#include "runtime/slow_batches.hpp"
#include "runtime/stage_runner.hpp"
#include "runtime/state_clock.hpp"
#include "runtime/worker_base.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace sluice::runtime {

/// A rank other than the coordinator in streaming mode. `run` is its only thread: it talks to other
/// ranks between calls of user code, and while user code runs the transport keeps transfers moving.
/// Nothing that a worker has to say or decide can come up meanwhile: it has no backlog to hand out,
/// and what arrives can wait for the batch to end. A continuous stage has its batches while `run`
/// goes on taking turns, and wakes it when it has an answer.
/// What is about links between GPUs does not wait for user code: the thread that has the transport
/// meanwhile sees to it.
class Worker final : public WorkerBase, private transport::Caretaker {
 public:
  using WorkerBase::WorkerBase;

 private:
  bool work() override;
  void handle(Packet packet) override;
  std::chrono::nanoseconds longest_wait() const override;

  bool handle_at_once(transport::Message& message) override { return take(message); }
  bool take(transport::Message& message) override;
  void step() override;
  std::chrono::nanoseconds pause() const override;

  void on(Data part);
  bool on_device_word(Packet& packet);
  void on(SharedData part);
  void look_after_links();
  void on(Orders orders);
  void on(const Regroup& order);

  void close_part();
  void hand_on_ahead();
  void decline();
  void send(const control::Grant& grant, RecordStore::Outputs outputs);
  void begin_continuous();

  void obey(const control::Assign& order);
  void obey(const control::Grant& order);
  void obey(const control::GrantAhead& order);
  void obey(const control::Seal& order);
  void obey(const control::Retire&);

  template <class Word>
  void on_group(Word word);
  void join_group(const control::Assign& order);
  void follow();
  void leave_group();

  WorkerContext context() const;
  void begin_setup(bool on_node);
  void set_up_if_due();
  void prepare_handover();
  void keep_stage();
  void leave_stage();
  void leave();
  void process_next();
  void process_several();
  bool report_finished();
  void report_events();
  StageRunner::Processed process(RecordStore::TakenBatch batch);
  template <class Body>
  void run_user_code(store::TraceState state, Body body);
  template <class Body>
  void call_user_code(Body body);
  void enter(StateClock::State state);
  void note_waiting();
  void send_report();
  RecordStore& store();

  std::uint64_t epoch_ = 0;
  control::Assign place_;                  ///< the last that it was given
  std::shared_ptr<GroupLink> link_;        ///< to the other ranks, in a group
  std::optional<ErasedStage> grouped_;     ///< what `runner_` runs then
  std::optional<GroupFollower> follower_;  ///< if another rank is the primary
  std::vector<Packet> early_;              ///< of a group that it has not been told of yet
  std::optional<StageRunner> runner_;
  std::optional<SinkPart> part_;    ///< of a stage that writes at teardown, if there is a journal
  std::uint64_t sinks_ = 0;         ///< how often it had such a stage
  std::optional<SinkBrief> brief_;  ///< for the stage that comes next
  PendingSetup setup_;
  bool retiring_ = false;                       ///< as soon as its node is set up
  std::optional<RecordStore> store_;            ///< from `setup` on
  std::optional<ContinuousRunner> continuous_;  ///< of `runner_`, from `setup` on
  DeviceHandover handover_{transport_};
  StateClock clock_;
  SlowBatches slow_;
  Report report_;
  /// Seconds a batch, smoothed; at first long, so that a slot is reported as soon as it is free.
  double usual_process_time_ = 1;
};

}  // namespace sluice::runtime
