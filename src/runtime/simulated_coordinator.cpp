#include "runtime/simulated_coordinator.hpp"

#include "base/clock.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace sluice::runtime {

using control::coordinator;
using control::Rank;
using control::Time;

namespace {

constexpr std::size_t control_bytes = 64;
/// One event in so many is timed: asking for the time takes as long as handling one.
constexpr std::uint64_t timed_events = 16;

// What asking for the time adds to what is timed.
double timing_cost() {
  double least = 1;
  for (int i = 0; i < 100; ++i) {
    const double before = thread_cpu_seconds();
    least = std::min(least, thread_cpu_seconds() - before);
  }
  return least;
}

double in_seconds(Time time) { return std::chrono::duration<double>(time).count(); }

Rank receiver_of(const control::Command& command) {
  if (const auto* grant = std::get_if<control::Grant>(&command)) return grant->producer;
  if (const auto* ahead = std::get_if<control::GrantAhead>(&command)) return ahead->producer;
  if (const auto* seal = std::get_if<control::Seal>(&command)) return seal->consumer;
  if (const auto* assign = std::get_if<control::Assign>(&command)) return assign->rank;
  return std::get<control::Retire>(command).rank;
}

}  // namespace

SimulatedCoordinator::SimulatedCoordinator(const Simulation& simulation, SimRanks& network)
    : SimulatedCoordinator(simulation, network, nodes_of_ranks(simulation.topology)) {}

SimulatedCoordinator::SimulatedCoordinator(const Simulation& simulation, SimRanks& network,
                                           std::vector<int> node_of_rank)
    : simulation_(simulation),
      network_(network),
      node_of_rank_(std::move(node_of_rank)),
      control_(run_plan(plan_)),
      orders_(node_of_rank_.size()),
      regrouping_(node_of_rank_.size()),
      to_admit_{{0, simulation.inputs}},
      usage_of_rank_(node_of_rank_.size()),
      largest_output_(simulation.stages.size(), 0),
      timing_cost_(timing_cost()) {
  result_.ranks = node_of_rank_.size();
  result_.inputs = simulation.inputs;
  result_.stages.resize(simulation.stages.size());
  result_.finished_at.resize(simulation.stages.size(), 0);
  if (simulation.autoscale && simulation.stage_of_rank.empty()) {
    autoscaler_.emplace(simulation.demands, simulation.channels, simulation.topology, node_of_rank_,
                        plan_);
  }
}

control::RunPlan SimulatedCoordinator::run_plan(control::Plan& plan) const {
  control::RunPlan run;
  run.stages = simulation_.channels;
  run.node_of_rank = node_of_rank_;
  run.inputs = simulation_.inputs;
  run.stage_of_rank = simulation_.stage_of_rank;
  run.group_sizes = control::group_sizes(simulation_.demands);
  if (!run.stage_of_rank.empty()) return run;
  plan = control::make_plan(simulation_.demands, simulation_.topology);
  run.stage_of_rank = control::assign_ranks(plan, node_of_rank_);
  return run;
}

void SimulatedCoordinator::start() {
  carry_out(control_.start(network_.now()));
  send_orders();
  plan_next_turn();
}

void SimulatedCoordinator::receive(Rank from, SimMessage message) {
  inbox_.emplace_back(from, std::move(message));
  wake_at(std::max(network_.now(), free_at_));
}

void SimulatedCoordinator::turn() {
  if (awake_at_ && *awake_at_ <= network_.now()) awake_at_.reset();
  if (network_.now() < free_at_) return wake_at(free_at_);
  for (auto& [from, message] : std::exchange(inbox_, {})) {
    ++handled_;
    if (regrouping_.is_lost(from)) continue;
    std::visit([this, from = from](auto& m) { on(from, m); }, message);
  }
  if (regrouping_.take_complete()) begin_again();
  if (regrouping_.under_way()) return send_orders();
  const auto due = control_.deadline();
  if (due && *due <= network_.now()) decide(control::Tick{});
  autoscale();
  send_orders();
  note_done();
  plan_next_turn();
}

void SimulatedCoordinator::on(Rank from, SimReport& report) {
  ++result_.control_messages;
  if (regrouping_.under_way() || early_.hold(from, report, control_)) return;
  apply(from, report);
  while (auto held = early_.next(control_)) apply(held->first, held->second);
}

void SimulatedCoordinator::apply(Rank from, const SimReport& report) {
  const auto stage = control_.roles().stage_of(from);
  const auto before = control_.work(stage);
  for (const auto& event : report.events) {
    if (const auto* finished = std::get_if<control::Finished>(&event)) {
      largest_output_[stage] = std::max(largest_output_[stage], finished->records);
      result_.finished_at[stage] = in_seconds(network_.now());
    }
    decide(event);
  }
  if (autoscaler_) {
    autoscaler_->note(from, stage, report.events, report.usage, control_.work(stage) - before,
                      network_.now());
  }
  auto& known = usage_of_rank_[static_cast<std::size_t>(from)];
  auto& sum = result_.stages[stage].usage;
  sum.running += report.usage.running - known.running;
  sum.starved += report.usage.starved - known.starved;
  sum.blocked += report.usage.blocked - known.blocked;
  sum.setup += report.usage.setup - known.setup;
  known = report.usage;
}

void SimulatedCoordinator::on(Rank from, SimRegrouped& there) {
  regrouping_.arrived(from, there.epoch);
}

void SimulatedCoordinator::on(Rank, SimDeath& death) {
  if (control_.finished() || !regrouping_.lose(death.rank)) return;
  ++result_.lost;
  early_.take_all();
  for (const Rank rank : std::exchange(ordered_, {})) orders_[static_cast<std::size_t>(rank)] = {};
  for (const Rank rank : regrouping_.left()) {
    network_.send(network_.now(), coordinator, rank, SimRegroup{regrouping_.epoch()},
                  control_bytes);
  }
}

// Whatever the last stage has acknowledged is safe.
void SimulatedCoordinator::begin_again() {
  const auto left = topology_left();
  if (autoscaler_) autoscaler_->lost(regrouping_.lost(), left);
  auto stages = control::stages_after_loss(simulation_.demands, left, node_of_rank_,
                                           control_.roles().destinations(), regrouping_.lost(),
                                           control_.roles().primaries());
  std::vector<control::InputRange> done;
  to_admit_.clear();
  range_ = admitted_ = 0;
  for (std::uint64_t input = 0; input < simulation_.inputs; ++input) {
    auto& ranges = control_.is_done(input) ? done : to_admit_;
    const bool goes_on = !ranges.empty() && ranges.back().first + ranges.back().count == input;
    if (goes_on) {
      ++ranges.back().count;
    } else {
      ranges.push_back({input, 1});
    }
  }
  control_.begin_again(std::move(stages), done);
  carry_out(control_.start(network_.now()));
}

control::Topology SimulatedCoordinator::topology_left() const {
  auto left = simulation_.topology;
  for (const Rank rank : regrouping_.lost()) {
    const auto node = node_of_rank_[static_cast<std::size_t>(rank)];
    --*left.nodes[static_cast<std::size_t>(node)].workers;
  }
  return left;
}

void SimulatedCoordinator::decide(const control::Event& event) {
  const bool timed = events_++ % timed_events == 0;
  const double before = timed ? thread_cpu_seconds() : 0;
  const auto commands = control_.handle(event, network_.now());
  if (timed) {
    const double spent = thread_cpu_seconds() - before - timing_cost_;
    result_.control_seconds += std::max(0.0, spent) * timed_events;
  }
  carry_out(commands);
}

void SimulatedCoordinator::autoscale() {
  if (!autoscaler_) return;
  auto decision = autoscaler_->consider(control_, network_.now());
  if (!decision) return;
  carry_out(control_.reassign(decision->stage_of_rank, network_.now()));
  result_.decisions.push_back(std::move(*decision));
}

void SimulatedCoordinator::carry_out(const control::Commands& commands) {
  for (const auto& command : commands) {
    const auto* grant = std::get_if<control::Grant>(&command);
    if (grant != nullptr && grant->settled) continue;
    const Rank to = receiver_of(command);
    if (to == coordinator) {
      admit(std::get<control::Grant>(command));
      continue;
    }
    auto& orders = orders_[static_cast<std::size_t>(to)];
    if (orders.empty()) ordered_.push_back(to);
    orders.push_back(command);
  }
}

void SimulatedCoordinator::admit(const control::Grant& grant) {
  Origins records;
  while (records.size() < grant.records) {
    const auto& range = to_admit_.at(range_);
    for (; admitted_ < range.count && records.size() < grant.records; ++admitted_) {
      records.push_back(range.first + admitted_);
    }
    if (admitted_ < range.count) break;
    ++range_;
    admitted_ = 0;
  }
  const auto bytes = grant.records * simulation_.input_bytes;
  decide(control::Admitted{bytes});
  ++handled_;
  network_.send(network_.now(), coordinator, grant.consumer,
                SimPart{regrouping_.epoch(), grant.batch, grant.total, std::move(records)},
                control_bytes + bytes);
}

// What is sent leaves when all that came before has been handled.
void SimulatedCoordinator::send_orders() {
  for (const Rank rank : ordered_) {
    ++handled_;
    ++result_.control_messages;
    network_.send(network_.now(), coordinator, rank,
                  SimOrders{std::exchange(orders_[static_cast<std::size_t>(rank)], {})},
                  control_bytes);
  }
  ordered_.clear();
  const double busy = static_cast<double>(std::exchange(handled_, 0)) * simulation_.handling;
  free_at_ = network_.now() + Time(std::llround(busy * 1e9));
  result_.coordinator_share += busy;
}

void SimulatedCoordinator::plan_next_turn() {
  if (!inbox_.empty()) wake_at(free_at_);
  if (const auto due = control_.deadline()) wake_at(std::max(*due, free_at_));
  if (autoscaler_) wake_at(std::max(autoscaler_->next_look(), free_at_));
}

void SimulatedCoordinator::wake_at(Time at) {
  if (at == Time::max() || (awake_at_ && *awake_at_ <= at)) return;
  awake_at_ = at;
  network_.alarm(at, coordinator);
}

void SimulatedCoordinator::note_done() {
  const auto second = static_cast<std::size_t>(in_seconds(network_.now()));
  auto& done = result_.done_by_second;
  if (done.size() <= second) done.resize(second + 1, done.empty() ? 0 : done.back());
  done[second] = control_.inputs_done();
}

SimulationResult SimulatedCoordinator::result() const {
  auto result = result_;
  result.seconds = in_seconds(network_.now());
  result.done = control_.inputs_done();
  if (result.seconds > 0) result.coordinator_share /= result.seconds;
  for (std::size_t k = 0; k < result.stages.size(); ++k) {
    auto& stage = result.stages[k];
    const auto& channel = simulation_.channels[k];
    stage.work = control_.work(k);
    stage.workers = control_.roles().workers_of(k);
    stage.peak_records = control_.loads()[k].peak_records;
    stage.bound_records =
        control_.roles().most_workers_of(k) * channel.batch_size * channel.prefetch();
    if (k > 0)
      stage.bound_records += control_.roles().most_workers_of(k - 1) *
                             simulation_.channels[k - 1].depth * largest_output_[k - 1];
    result.batches += stage.work.batches;
  }
  return result;
}

}  // namespace sluice::runtime
