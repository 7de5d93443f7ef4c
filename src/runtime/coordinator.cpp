#include "runtime/coordinator.hpp"

#include "base/log.hpp"
#include "control/plan.hpp"
#include "runtime/decision_text.hpp"
#include "runtime/spec.hpp"

#include <sluice/error.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace sluice::runtime {

using control::coordinator;
using control::Rank;

namespace {

// Nothing depends on waking up in between; it keeps sums of times small.
constexpr control::Time longest_wait = std::chrono::seconds(1);

}  // namespace

RunStatus Coordinator::run(const std::function<ErasedSpec()>& build) {
  try {
    spec_ = build();
    run_stages();
  } catch (...) {
    const auto failure = to_failure(std::current_exception(), "", {});
    end_run({failure.code, failure.message});
    throw Error(failure.code, failure.message);
  }
  end_run({});
  return status(true);
}

bool Coordinator::all_stopped_within(std::chrono::nanoseconds longest) {
  const auto until = std::chrono::steady_clock::now() + longest;
  while (stopped_ < transport_.size() - 1) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds::zero()) return false;
    while (auto message = transport_.receive()) {
      if (std::holds_alternative<Bye>(unpack(std::move(*message)))) ++stopped_;
    }
    if (stopped_ < transport_.size() - 1) transport_.wait(left);
  }
  return true;
}

void Coordinator::run_stages() {
  greet();
  plan();
  for (const auto& command : control_->start(now())) carry_out(command);
  send_orders();
  while (!control_->finished()) turn();
  show_status(true);
}

void Coordinator::greet() {
  text_ = canonical_text(spec_);
  while (greeted_ < transport_.size() - 1) {
    if (!receive_all()) transport_.wait(std::chrono::seconds(1));
  }
}

void Coordinator::plan() {
  control::RunPlan plan;
  for (Rank rank = 0; rank < transport_.size(); ++rank) {
    plan.node_of_rank.push_back(transport_.node_of(rank));
  }
  const auto topology = topology_.topology();
  const auto placed = control::make_plan(demands(spec_), topology);
  plan.stage_of_rank = control::assign_ranks(placed, plan.node_of_rank);
  plan.stages = channel_specs(spec_);
  plan.collect = spec_.on_output != nullptr;
  input_.emplace(spec_);
  plan.inputs = input_->size();
  board_.emplace(spec_, plan);
  if (spec_.options.autoscale) {
    autoscaler_.emplace(demands(spec_), plan.stages, topology, plan.node_of_rank, placed);
  }
  control_.emplace(std::move(plan));
}

void Coordinator::turn() {
  const bool received = receive_all();
  collect_outputs();
  const auto due = control_->deadline();
  if (due && *due <= now()) decide(control::Tick{});
  autoscale();
  send_orders();
  if (now() >= next_status_) show_status(false);
  if (received || control_->finished()) return;
  transport_.wait(std::clamp<control::Time>(next_wake() - now(), control::Time{0}, longest_wait));
}

control::Time Coordinator::next_wake() const {
  auto wake = next_status_;
  if (const auto deadline = control_->deadline()) wake = std::min(wake, *deadline);
  if (autoscaler_) wake = std::min(wake, autoscaler_->next_look());
  return wake;
}

void Coordinator::autoscale() {
  if (!autoscaler_) return;
  const auto decision = autoscaler_->consider(*control_, now());
  if (!decision) return;
  const auto line = text_of(*decision);
  run_log().info("{}", line);
  replans_.push_back({std::chrono::duration<double>(decision->at).count(), decision->moved,
                      decision->gain, decision->cost, line});
  for (const auto& command : control_->reassign(decision->stage_of_rank, now())) carry_out(command);
}

bool Coordinator::receive_all() {
  bool any = false;
  while (auto message = transport_.receive()) {
    any = true;
    const Rank from = message->peer;
    std::visit([&](auto&& packet) { on(std::move(packet), from); }, unpack(std::move(*message)));
  }
  return any;
}

void Coordinator::end_run(const End& end) {
  for (Rank rank = 1; rank < transport_.size(); ++rank) send(rank, end);
}

void Coordinator::on(Hello hello, Rank from) {
  require_same(text_, hello.spec, from, hello.host);
  topology_.add(transport_.node_of(from), hello.host, hello.machine);
  seats_.add(from, transport_.node_of(from), hello.machine);
  ++greeted_;
}

void Coordinator::on(Report report, Rank from) {
  ++control_messages_;
  const auto stage = control_->roles().stage_of(from);
  const auto before = control_->work(stage);
  board_->note(report, from, stage);
  for (const auto& event : report.events) decide(event);
  if (autoscaler_) {
    autoscaler_->note(from, stage, report.events, report.usage, control_->work(stage) - before,
                      now());
  }
}

void Coordinator::on(Failure failure, Rank) {
  throw_failure(failure, [this](std::size_t input) { return input_name(spec_, input); });
}

void Coordinator::on(Data part, Rank) { collected_.arrived(std::move(part)); }

void Coordinator::decide(const control::Event& event) {
  for (const auto& command : control_->handle(event, now())) carry_out(command);
  board_->note_done(control_->inputs_done(), std::chrono::duration<double>(now()).count());
}

void Coordinator::carry_out(const control::Command& command) {
  if (const auto* grant = std::get_if<control::Grant>(&command)) {
    if (grant->producer == coordinator) return admit(*grant);
    orders_[grant->producer].commands.push_back(*grant);
  } else if (const auto* seal = std::get_if<control::Seal>(&command)) {
    if (seal->consumer == coordinator) return collected_.sealed(*seal);
    orders_[seal->consumer].commands.push_back(*seal);
  } else {
    if (const auto* assign = std::get_if<control::Assign>(&command)) seat(*assign);
    const auto rank = std::visit(
        [](const auto& order) {
          if constexpr (requires { order.rank; }) return order.rank;
          return coordinator;
        },
        command);
    orders_[rank].commands.push_back(command);
  }
}

// Orders follow later, so the rank is bound before it sets up.
void Coordinator::seat(const control::Assign& order) {
  const auto cores = seats_.take(order.rank, spec_.stages.at(order.stage).spec.cpus);
  if (cores) send(order.rank, Bind{*cores});
}

void Coordinator::admit(const control::Grant& grant) {
  auto records = input_->next_encoded(grant.records);
  decide(control::Admitted{records.stored_bytes()});
  send(grant.consumer, Data{grant.batch, grant.total, std::move(records)});
}

void Coordinator::collect_outputs() {
  while (auto batch = collected_.take()) {
    control::Finished finished;
    finished.batch = batch->id;
    finished.delivered = true;
    std::vector<std::uint64_t> origins;
    for (std::size_t i = 0; i < batch->records.size(); ++i) {
      origins.push_back(batch->records.id(i).origin);
    }
    finished.descents = control::one_less_of_each(origins);
    decide(control::Taken{coordinator, batch->id, batch->records.stored_bytes()});
    spec_.on_output(spec_.stages.back().output->decode(batch->records));
    collected_.finished({});
    decide(finished);
  }
}

void Coordinator::send_orders() {
  for (auto& [rank, orders] : orders_) {
    if (orders.commands.empty()) continue;
    ++control_messages_;
    send(rank, std::exchange(orders, {}));
  }
}

void Coordinator::send(Rank to, Packet packet) { transport_.send(pack(to, std::move(packet))); }

void Coordinator::show_status(bool finished) {
  const auto at = now();
  next_status_ =
      at + std::min<control::Time>(spec_.options.status_interval, control::Time::max() - at);
  if (!spec_.options.on_status) return;
  spec_.options.on_status(status(finished));
}

RunStatus Coordinator::status(bool finished) const {
  auto status = board_->status(*control_, std::chrono::duration<double>(now()).count());
  status.finished = finished;
  status.control_messages = control_messages_;
  status.replans = replans_;
  return status;
}

control::Time Coordinator::now() const { return std::chrono::steady_clock::now() - started_; }

}  // namespace sluice::runtime
