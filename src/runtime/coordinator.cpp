#include "runtime/coordinator.hpp"

#include "base/log.hpp"
#include "control/plan.hpp"
#include "runtime/decision_text.hpp"
#include "runtime/spec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sluice::runtime {

using control::coordinator;
using control::Rank;

void Coordinator::run_stages() {
  plan();
  dead_letters_.emplace(spec_, control_->inputs(), spec_.options.run_dir);
  open_dead_letters();
  begin_run();
  if (control_->inputs_done() < control_->inputs() || !journaled_) {
    for (const auto& command : control_->start(now())) carry_out(command);
    send_orders();
    while (!control_->finished() && !out_of_grace()) turn();
  }
  const bool all_done = control_->inputs_done() == control_->inputs();
  if (journaled_) end_journal(all_done);
  show_status(true);
  if (all_done) return;
  throw_stopped(
      fmt::format("{} of {} inputs are done", control_->inputs_done(), control_->inputs()));
}

void Coordinator::stop_early() {
  if (!control_ || regrouping()) return;  // it is done when the run begins again
  for (const auto& command : control_->stop_admission(now())) carry_out(command);
}

void Coordinator::plan() {
  control::RunPlan plan;
  plan.node_of_rank = node_of_rank();
  const auto nodes = topology();
  const auto placed = control::make_plan(demands(spec_, nodes), nodes);
  plan.stage_of_rank = control::assign_ranks(placed, plan.node_of_rank);
  plan.stages = channel_specs(spec_);
  plan.collect = spec_.on_output != nullptr;
  plan.lifetimes = lifetimes(spec_);
  plan.group_sizes = control::group_sizes(demands(spec_));
  const auto stages = demands(spec_, nodes);
  plan.gpu_seats = gpu_seats(stages, control::gpu_places(placed, stages));
  const auto groups = control::groups_of(
      control::form_groups(plan.stage_of_rank, plan.node_of_rank, plan.group_sizes));
  require_seats(plan.gpu_seats, control::workers_to_seat(plan.stage_of_rank, groups));
  open_input(plan);
  board_.emplace(spec_, plan);
  if (spec_.options.autoscale) {
    autoscaler_.emplace(demands(spec_, nodes), plan.stages, nodes, plan.node_of_rank, placed);
  }
  control_.emplace(std::move(plan));
}

void Coordinator::turn() {
  const bool received = receive_all();
  if (regrouping()) {
    if (regrouping_->take_complete()) return begin_again();
    look_around();
    if (!received) wait_until(control::Time::max());
    return;
  }
  collect_outputs();
  const auto due = control_->deadline();
  if (due && *due <= now()) decide(control::Tick{});
  autoscale();
  send_orders();
  commit_if_due();
  look_around();
  if (received || control_->finished()) return;
  wait_until(next_wake());
}

control::Time Coordinator::next_wake() const {
  auto wake = control_->deadline().value_or(control::Time::max());
  if (autoscaler_) wake = std::min(wake, autoscaler_->next_look());
  if (commits_) wake = std::min(wake, commits_->next());
  return wake;
}

void Coordinator::autoscale() {
  if (!autoscaler_) return;
  const auto decision = autoscaler_->consider(*control_, now());
  if (!decision) return;
  const auto line = text_of(*decision);
  run_log().info("{}", short_text_of(*decision));
  rank_log().info("{}", line);
  replans_.push_back({std::chrono::duration<double>(decision->at).count(), decision->moved,
                      decision->gain, decision->cost, line});
  for (const auto& command : control_->reassign(decision->stage_of_rank, now(), decision->places)) {
    carry_out(command);
  }
}

void Coordinator::handle(Packet packet, Rank from) {
  if (auto* report = std::get_if<Report>(&packet)) on(std::move(*report), from);
  if (auto* part = std::get_if<Data>(&packet)) {
    if (part->epoch == epoch()) collected_.arrived(std::move(*part));
  }
  if (const auto* there = std::get_if<Regrouped>(&packet)) {
    if (regrouping_) regrouping_->arrived(from, there->epoch);
  }
}

void Coordinator::on(Report report, Rank from) {
  ++control_messages_;
  if (regrouping()) return on_while_regrouping(std::move(report), from);
  if (early_.hold(from, report, *control_)) return;
  apply(std::move(report), from);
  while (auto held = early_.next(*control_)) apply(std::move(held->second), held->first);
}

void Coordinator::apply(Report report, Rank from) {
  const auto stage = control_->roles().stage_of(from);
  const auto before = control_->work(stage);
  board_->note(report, from, stage);
  note_slow(std::move(report.slow), from);
  dead_letters_->add(std::move(report.dead));
  for (const auto& event : report.events) decide(event);
  if (commits_) note_parts(report, from, stage);
  if (autoscaler_) {
    autoscaler_->note(from, stage, report.events, report.usage, control_->work(stage) - before,
                      now());
  }
}

void Coordinator::decide(const control::Event& event) {
  watch(event);
  for (const auto& command : control_->handle(event, now())) carry_out(command);
  board_->note_done(control_->inputs_done(), seconds());
}

void Coordinator::carry_out(const control::Command& command) {
  watch(command);
  if (const auto* grant = std::get_if<control::Grant>(&command)) {
    if (grant->producer == coordinator) return admit(*grant);
    if (grant->settled) return;
    orders_[grant->producer].commands.push_back(*grant);
  } else if (const auto* ahead = std::get_if<control::GrantAhead>(&command)) {
    orders_[ahead->producer].commands.emplace_back(*ahead);
  } else if (const auto* seal = std::get_if<control::Seal>(&command)) {
    if (seal->consumer == coordinator) return collected_.sealed(*seal);
    orders_[seal->consumer].commands.push_back(*seal);
  } else {
    if (const auto* assign = std::get_if<control::Assign>(&command)) {
      seat(*assign);
      brief(*assign);
    }
    const auto rank = std::visit(
        [](const auto& order) {
          if constexpr (requires { order.rank; }) return order.rank;
          return coordinator;
        },
        command);
    orders_[rank].commands.push_back(command);
  }
}

void Coordinator::admit(const control::Grant& grant) {
  auto records = next_input(grant.records);
  decide(control::Admitted{records.stored_bytes()});
  send(grant.consumer, Data{epoch(), grant.batch, grant.total, std::move(records)});
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
    collected_.finished(batch->id, {});
    decide(finished);
  }
}

void Coordinator::send_orders() {
  for (auto& [rank, orders] : orders_) {
    if (orders.commands.empty()) continue;
    ++control_messages_;
    send(rank, std::exchange(orders, {}));
  }
  hand_over();
}

std::vector<Waiting> Coordinator::waiting() const {
  std::vector<Waiting> found;
  if (control_) {
    for (const auto& load : control_->loads()) found.push_back({load.records, load.bytes});
  }
  found.resize(spec_.stages.size());
  return found;
}

RunStatus Coordinator::status() const {
  if (!board_) return {};
  auto status = board_->status(*control_, seconds());
  status.replans = replans_;
  status.lost = losses_;
  return status;
}

}  // namespace sluice::runtime
