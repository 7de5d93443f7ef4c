#include "runtime/simulated_worker.hpp"

#include <cmath>
#include <utility>

namespace sluice::runtime {

using control::coordinator;
using control::Rank;
using control::Time;

namespace {

// About what the encoded messages measure.
constexpr std::size_t control_bytes = 64;

Time in_time(double seconds) { return Time(std::llround(seconds * 1e9)); }
double in_seconds(Time time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

SimulatedWorker::SimulatedWorker(Rank rank, const Simulation& simulation, SimRanks& network)
    : rank_(rank), simulation_(simulation), network_(network) {
  const auto slow = simulation.slow_ranks.find(rank);
  if (slow != simulation.slow_ranks.end()) slowness_ = slow->second;
}

void SimulatedWorker::receive(SimMessage message) {
  inbox_.push_back(std::move(message));
  if (doing_ == Doing::nothing) turn();
}

void SimulatedWorker::resume() {
  const bool is_early = doing_ != Doing::nothing && network_.now() < until_;
  if (is_early) return;  // it was set for a batch of before a loss
  switch (std::exchange(doing_, Doing::nothing)) {
    case Doing::node_setup:
      report_.events.emplace_back(control::NodeReady{rank_});
      break;
    case Doing::setup:
      flow_.emplace(simulation_.channels[stage_]);
      report_.events.emplace_back(control::WorkerReady{rank_});
      break;
    case Doing::teardown:
      flow_.reset();
      report_.events.emplace_back(control::Left{rank_});
      break;
    default:
      break;
  }
  conclude_due();
  turn();
}

void SimulatedWorker::turn() {
  obey_waiting();
  while (doing_ == Doing::nothing && !inbox_.empty()) {
    auto message = std::move(inbox_.front());
    inbox_.pop_front();
    std::visit([this](auto& m) { on(m); }, message);
  }
  if (doing_ != Doing::nothing) return send_report();
  while (process_next()) {
    if (doing_ != Doing::nothing) return;
  }
  decline();
  enter(flow_ ? State::working : State::idle);
  send_report();
}

void SimulatedWorker::on(SimOrders& orders) {
  orders_.insert(orders_.end(), orders.commands.begin(), orders.commands.end());
  obey_waiting();
}

void SimulatedWorker::on(SimPart& part) {
  if (part.epoch != epoch_) return;
  flow_.value().arrived(part.batch, part.records.size(), part.total);
  auto& filling = filling_[part.batch];
  if (filling.empty()) {
    filling = std::move(part.records);
  } else {
    filling.insert(filling.end(), part.records.begin(), part.records.end());
  }
}

void SimulatedWorker::on(SimRegroup& order) {
  epoch_ = order.epoch;
  report_.events.clear();
  filling_.clear();
  backlog_.clear();
  in_process_.clear();
  if (flow_) flow_.emplace(simulation_.channels[stage_]);
  network_.send(network_.now(), rank_, coordinator, SimRegrouped{epoch_}, control_bytes);
}

void SimulatedWorker::obey_waiting() {
  while (doing_ == Doing::nothing && !orders_.empty()) {
    const auto order = orders_.front();
    orders_.pop_front();
    std::visit([this](const auto& o) { obey(o); }, order);
  }
}

void SimulatedWorker::obey(const control::Assign& order) {
  const bool alone = order.group.empty();
  if (flow_ && stage_ == order.stage && alone) {
    report_.events.emplace_back(control::WorkerReady{rank_});
    return;
  }
  flow_.reset();
  stage_ = order.stage;
  deliver_ = order.deliver;
  const auto& model = simulation_.stages[stage_];
  if (order.setup_node) {
    begin(Doing::node_setup, State::setup, model.node_setup);
  } else if (alone || order.group.front() == rank_) {
    begin(Doing::setup, State::setup, model.setup);
  }
}

void SimulatedWorker::obey(const control::Grant& order) {
  flow_.value().granted(order.records);
  send(order);
}

void SimulatedWorker::obey(const control::GrantAhead& order) {
  if (!flow_) {
    report_.events.emplace_back(control::Declined{rank_, order.channel, order.batch});
    return;
  }
  flow_->granted_ahead(order);
  hand_on_ahead();
}

void SimulatedWorker::hand_on_ahead() {
  if (const auto due = flow_->due_grant()) send(*due);
}

void SimulatedWorker::decline() {
  if (!flow_) return;
  if (const auto declined = flow_->decline()) report_.events.emplace_back(*declined);
}

void SimulatedWorker::send(const control::Grant& order) {
  const auto end = backlog_.begin() + static_cast<std::ptrdiff_t>(order.records);
  Origins part(backlog_.begin(), end);
  backlog_.erase(backlog_.begin(), end);
  const auto bytes = control_bytes + part.size() * simulation_.stages[stage_].output_bytes;
  network_.send(network_.now(), rank_, order.consumer,
                SimPart{epoch_, order.batch, order.total, std::move(part)}, bytes);
}

void SimulatedWorker::obey(const control::Seal& order) {
  flow_.value().sealed(order.batch, order.total);
}

void SimulatedWorker::obey(const control::Retire&) {
  decline();
  begin(Doing::teardown, State::setup, 0);
}

bool SimulatedWorker::process_next() {
  if (!flow_) return false;
  const auto batch = flow_->take();
  if (!batch) return false;
  auto records = std::move(filling_.extract(*batch).mapped());
  const auto bytes =
      stage_ == 0 ? simulation_.input_bytes : simulation_.stages[stage_ - 1].output_bytes;
  report_.events.emplace_back(control::Taken{rank_, *batch, records.size() * bytes});
  send_report();
  const double seconds = service(records);
  const auto until = network_.now() + in_time(seconds);
  in_process_.emplace(until, Inside{*batch, std::move(records)});
  if (continuous()) {
    network_.alarm(until, rank_);
  } else {
    begin(Doing::process, State::working, seconds);
  }
  return true;
}

// What becomes of a record depends on the seed, the record and the stage, not on who gets it.
Random SimulatedWorker::chance(std::uint64_t origin, std::uint64_t purpose) const {
  const auto mixed = Random(simulation_.seed * 64 + stage_ * 2 + purpose).next();
  return Random(Random(mixed ^ origin).next());
}

double SimulatedWorker::service(const Origins& records) const {
  double seconds = 0;
  for (const auto origin : records) {
    auto random = chance(origin, 0);
    seconds += simulation_.stages[stage_].service(random);
  }
  for (const auto& slow : simulation_.slow_downs) {
    if (slow.stage == stage_ && in_seconds(network_.now()) >= slow.at) seconds *= slow.factor;
  }
  return seconds * slowness_;
}

std::uint64_t SimulatedWorker::outputs_of(std::uint64_t origin) const {
  const auto& model = simulation_.stages[stage_];
  if (model.drop > 0 && chance(origin, 1).uniform() < model.drop) return 0;
  return model.outputs;
}

void SimulatedWorker::conclude_due() {
  while (!in_process_.empty() && in_process_.begin()->first <= network_.now()) {
    conclude(in_process_.extract(in_process_.begin()).mapped());
  }
}

void SimulatedWorker::conclude(const Inside& done) {
  control::Finished finished{rank_, done.batch, 0, 0, deliver_, {}};
  for (const auto origin : done.records) {
    const auto outputs = deliver_ ? 0 : outputs_of(origin);
    if (outputs != 1) finished.descents.push_back({origin, static_cast<std::int64_t>(outputs) - 1});
    backlog_.insert(backlog_.end(), outputs, origin);
    finished.records += outputs;
  }
  finished.bytes = finished.records * simulation_.stages[stage_].output_bytes;
  flow_.value().finished(finished.records);
  hand_on_ahead();
  report_.events.emplace_back(std::move(finished));
}

void SimulatedWorker::begin(Doing what, State state, double seconds) {
  doing_ = what;
  until_ = network_.now() + in_time(seconds);
  enter(state);
  network_.alarm(until_, rank_);
}

void SimulatedWorker::enter(State state) {
  const double spent = in_seconds(network_.now() - std::exchange(since_, network_.now()));
  auto& usage = report_.usage;
  switch (std::exchange(state_, state)) {
    case State::setup:
      usage.setup += spent;
      break;
    case State::working:
      usage.running += spent * shares_.running;
      usage.starved += spent * shares_.starved;
      usage.blocked += spent * shares_.blocked;
      break;
    default:
      break;
  }
  if (state == State::working) shares_ = flow_->shares();
}

void SimulatedWorker::send_report() {
  if (report_.events.empty()) return;
  enter(state_);
  network_.send(network_.now(), rank_, coordinator,
                SimReport{std::exchange(report_.events, {}), report_.usage}, control_bytes);
}

}  // namespace sluice::runtime
