#include "runtime/worker.hpp"

#include "runtime/spec.hpp"

#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <utility>

namespace sluice::runtime {

using control::coordinator;

void Worker::run(const std::function<ErasedSpec()>& build) {
  host_ = host_name();
  compute_.emplace([this] { transport_.notify(); });
  introduce(build);
  while (!end_) {
    try {
      turn();
    } catch (...) {
      fail(to_failure(std::current_exception(), fmt::format("rank {}", transport_.rank()), {}));
    }
  }
  if (end_->code != ExitCode::success) throw RunStopped(end_->code, end_->reason);
}

bool Worker::stopped_within(std::chrono::nanoseconds longest) {
  return !compute_ || compute_->ended_within(longest);
}

void Worker::introduce(const std::function<ErasedSpec()>& build) {
  try {
    spec_ = build();
    transport_.send(pack(coordinator, Hello{canonical_text(spec_), host_}));
  } catch (...) {
    auto failure = to_failure(std::current_exception(), "", {});
    failure.message = fmt::format("rank {} on {}: {}", transport_.rank(), host_, failure.message);
    fail(failure);
  }
}

void Worker::turn() {
  const bool received = receive_all();
  const bool collected = collect_outcomes();
  if (failed_) {
    if (!received && !end_) transport_.wait(std::chrono::seconds(1));
    return;
  }
  start_next();
  retire();
  note_state();
  send_report();
  if (!received && !collected && !end_) transport_.wait(std::chrono::seconds(1));
}

bool Worker::receive_all() {
  bool any = false;
  while (auto message = transport_.receive()) {
    any = true;
    std::visit([this](auto&& packet) { on(std::move(packet)); }, unpack(std::move(*message)));
  }
  return any;
}

bool Worker::collect_outcomes() {
  auto outcomes = compute_->collect();
  for (auto& outcome : outcomes) {
    std::visit([this](auto& o) { conclude(o); }, outcome);
  }
  return !outcomes.empty();
}

void Worker::on(Data part) { store().arrived(std::move(part)); }

void Worker::on(Orders orders) {
  for (const auto& command : orders.commands) {
    std::visit([this](const auto& order) { obey(order); }, command);
  }
}

void Worker::on(End end) { end_ = std::move(end); }

void Worker::obey(const control::Assign& order) {
  const auto& stage = spec_.stages.at(order.stage);
  const WorkerContext context{stage.spec.name,   order.worker, order.workers,
                              transport_.rank(), host_,        spec_.options.run_dir};
  setting_up_ = true;
  if (order.setup_node) {
    compute_->submit(SetUpNode{&stage, context});
    return;
  }
  store_.emplace(stage.spec.slots);
  const bool last = order.stage + 1 == spec_.stages.size();
  compute_->submit(SetUp{&stage, context, last && !spec_.on_output});
}

void Worker::obey(const control::Grant& order) {
  transport_.send(
      pack(order.consumer, Data{order.batch, order.total, store().give(order.records)}));
}

void Worker::obey(const control::Seal& order) { store().sealed(order); }

void Worker::conclude(NodeIsSetUp&) {
  setting_up_ = false;
  report_.events.emplace_back(control::NodeReady{});
}

void Worker::conclude(IsSetUp&) {
  setting_up_ = false;
  set_up_ = true;
  report_.events.emplace_back(control::WorkerReady{});
}

void Worker::conclude(Processed& outcome) {
  store().finished(std::move(outcome.outputs));
  report_.events.emplace_back(std::move(outcome.event));
}

void Worker::conclude(IsTornDown&) {
  left_ = true;
  report_.events.emplace_back(control::Left{});
}

void Worker::conclude(Failure& failure) { fail(failure); }

void Worker::start_next() {
  if (!set_up_) return;
  auto batch = store().take();
  if (!batch) return;
  report_.events.emplace_back(control::Taken{0, batch->id, batch->records.stored_bytes()});
  compute_->submit(Process{batch->id, std::move(batch->records)});
}

void Worker::retire() {
  if (!retiring_ || setting_up_ || left_) return;
  retiring_ = false;
  if (set_up_) {
    set_up_ = false;
    compute_->submit(TearDown{});
  } else {
    left_ = true;
    report_.events.emplace_back(control::Left{});
  }
}

void Worker::note_state() {
  using State = StateClock::State;
  if (setting_up_) {
    clock_.enter(State::setup);
  } else if (!set_up_) {
    clock_.enter(State::idle);
  } else if (store().flow().running()) {
    clock_.enter(State::running);
  } else {
    clock_.enter(store().flow().backlog() > 0 ? State::blocked : State::starved);
  }
}

void Worker::send_report() {
  if (report_.events.empty()) return;
  report_.usage = clock_.usage();
  transport_.send(pack(coordinator, std::exchange(report_, {})));
}

// Says so and then only waits for the end.
void Worker::fail(const Failure& failure) {
  if (!failed_) transport_.send(pack(coordinator, failure));
  failed_ = true;
}

RecordStore& Worker::store() {
  if (!store_) {
    throw InvariantError(fmt::format("rank {} got records but has no stage", transport_.rank()));
  }
  return *store_;
}

}  // namespace sluice::runtime
