#include "runtime/worker.hpp"

#include "base/clock.hpp"

#include <fmt/format.h>

#include <utility>

namespace sluice::runtime {

using control::coordinator;

namespace {

// Seconds. A slot that falls free for a shorter time is reported together with the batch's end: one
// message instead of two, which costs more than the consumer could gain from the earlier one.
constexpr double worth_a_report = 50e-6;

}  // namespace

bool Worker::work() {
  process_next();
  note_waiting();
  send_report();
  return false;
}

void Worker::handle(Packet packet) {
  if (auto* part = std::get_if<Data>(&packet)) on(std::move(*part));
  if (auto* orders = std::get_if<Orders>(&packet)) on(std::move(*orders));
}

void Worker::on(Data part) { store().arrived(std::move(part)); }

void Worker::on(Orders orders) {
  for (const auto& command : orders.commands) {
    std::visit([this](const auto& order) { obey(order); }, command);
  }
}

void Worker::obey(const control::Assign& order) {
  const auto& stage = spec_.stages.at(order.stage);
  const WorkerContext context{stage.spec.name,   order.worker, order.workers,
                              transport_.rank(), host_,        spec_.options.run_dir};
  if (!runner_) {
    runner_.emplace(stage, order.deliver);
    usual_process_time_ = 1;
  }
  if (order.setup_node) {
    run_user_code(StateClock::State::setup, [&] { runner_->set_up_node(context); });
    report_.events.emplace_back(control::NodeReady{});
  } else {
    run_user_code(StateClock::State::setup, [&] { runner_->set_up(context); });
    store_.emplace(stage.spec.slots);
    report_.events.emplace_back(control::WorkerReady{});
  }
}

void Worker::obey(const control::Grant& order) {
  transport_.send(
      pack(order.consumer, Data{order.batch, order.total, store().give(order.records)}));
}

void Worker::obey(const control::Seal& order) { store().sealed(order); }

void Worker::obey(const control::Retire&) {
  if (store_) run_user_code(StateClock::State::setup, [this] { runner_->tear_down(); });
  store_.reset();
  runner_.reset();
  report_.events.emplace_back(control::Left{});
}

void Worker::process_next() {
  if (!store_) return;
  auto batch = store_->take();
  if (!batch) return;
  report_.events.emplace_back(control::Taken{0, batch->id, batch->records.stored_bytes()});
  if (usual_process_time_ > worth_a_report) send_report();
  StageRunner::Processed processed;
  const double before = seconds_now();
  run_user_code(StateClock::State::running,
                [&] { processed = runner_->process(batch->id, std::move(batch->records)); });
  usual_process_time_ += (seconds_now() - before - usual_process_time_) / 8;
  store_->finished(std::move(processed.outputs));
  report_.events.emplace_back(std::move(processed.event));
}

template <class Body>
void Worker::run_user_code(StateClock::State state, Body body) {
  clock_.enter(state);
  const transport::Absence absence(transport_);
  body();
}

void Worker::note_waiting() {
  using State = StateClock::State;
  if (!store_) return clock_.enter(State::idle);
  clock_.enter(store_->flow().backlog() > 0 ? State::blocked : State::starved);
}

void Worker::send_report() {
  if (report_.events.empty()) return;
  report_.usage = clock_.usage();
  transport_.send(pack(coordinator, std::exchange(report_, {})));
}

RecordStore& Worker::store() {
  if (!store_) {
    throw InvariantError(fmt::format("rank {} got records but has no stage", transport_.rank()));
  }
  return *store_;
}

}  // namespace sluice::runtime
