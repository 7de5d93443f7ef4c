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
  if (auto* brief = std::get_if<SinkBrief>(&packet)) brief_ = std::move(*brief);
  if (std::holds_alternative<ClosePart>(packet)) close_part();
}

void Worker::on(Data part) { store().arrived(std::move(part)); }

void Worker::on(Orders orders) {
  for (const auto& command : orders.commands) {
    std::visit([this](const auto& order) { obey(order); }, command);
  }
}

void Worker::obey(const control::Assign& order) {
  const auto& stage = spec_.stages.at(order.stage);
  place_ = order;
  if (!runner_) {
    runner_.emplace(stage, order.deliver);
    usual_process_time_ = 1;
  }
  if (order.setup_node) {
    run_user_code(StateClock::State::setup, [&] { runner_->set_up_node(context()); });
    report_.events.emplace_back(control::NodeReady{});
  } else {
    if (brief_) {
      part_.emplace(PartFolders{spec_.options.run_dir}, order.stage,
                    fmt::format("{}-r{}", brief_->prefix, transport_.rank()),
                    std::move(brief_->written));
      brief_.reset();
    }
    set_up();
    store_.emplace(stage.spec.slots);
    report_.events.emplace_back(control::WorkerReady{});
  }
}

WorkerContext Worker::context() {
  return {spec_.stages.at(place_.stage).spec.name,
          place_.worker,
          place_.workers,
          transport_.rank(),
          host_,
          spec_.options.run_dir};
}

void Worker::set_up() {
  const auto here = part_ ? part_->begin(context()) : context();
  run_user_code(StateClock::State::setup, [&] { runner_->set_up(here); });
}

// What the stage wrote is safe once it has torn down. It is set up again when records come.
void Worker::close_part() {
  if (!part_) return;  // it has left, and said so
  if (part_->open() && !part_->empty()) {
    run_user_code(StateClock::State::setup, [this] {
      runner_->tear_down();
      report_.parts.push_back(part_->close());
    });
  }
  // At once: what is taken from now on belongs to the next part.
  report_.closed = true;
  send_report();
}

void Worker::obey(const control::Grant& order) {
  transport_.send(
      pack(order.consumer, Data{order.batch, order.total, store().give(order.records)}));
}

void Worker::obey(const control::Seal& order) { store().sealed(order); }

void Worker::obey(const control::Retire&) {
  if (store_ && (!part_ || part_->open())) {
    run_user_code(StateClock::State::setup, [this] {
      runner_->tear_down();
      if (part_) report_.parts.push_back(part_->close());
    });
  }
  report_.closed = part_.has_value();
  part_.reset();
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
  if (part_ && !part_->open()) set_up();
  const double before = seconds_now();
  auto processed = process(*std::move(batch));
  usual_process_time_ += (seconds_now() - before - usual_process_time_) / 8;
  store_->finished(std::move(processed.outputs));
  report_.events.emplace_back(std::move(processed.event));
}

StageRunner::Processed Worker::process(RecordStore::TakenBatch batch) {
  const auto again = part_ ? part_->take_written(batch.records) : EncodedBatch();
  if (part_) part_->add(batch.records);
  StageRunner::Processed processed;
  processed.event.batch = batch.id;
  processed.event.delivered = place_.deliver;
  if (!batch.records.empty()) {
    run_user_code(StateClock::State::running,
                  [&] { processed = runner_->process(batch.id, std::move(batch.records)); });
  }
  if (!again.empty()) runner_->hand_on(again, processed);
  return processed;
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
  if (report_.events.empty() && !report_.closed) return;
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
