#include "control/batch_control.hpp"

#include <sluice/error.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace sluice::control {
namespace {

void require(bool holds, const std::string& what) {
  if (!holds) throw InvariantError(what);
}

std::string name(Rank rank) { return "rank " + std::to_string(rank); }

}  // namespace

BatchCommands BatchControl::begin(OpenStage work) {
  require(idle(), "a stage begins before the one before it is committed");
  work_ = std::move(work);
  phase_ = Phase::working;
  splits_.emplace(work_.pieces, work_.batch_size, work_.most_records);
  held_.assign(node_of_rank_.size(), {});
  roles_.reset();
  new_places_.clear();
  if (splits_->empty() && !work_.always) {
    phase_ = Phase::committing;
    return {CommitStage{work_.stage}};
  }
  roles_.emplace(1, work_.stage_of_rank, node_of_rank_, work_.deliver, GroupSizes(),
                 work_.gpu_seats);
  roles_->start(orders_);
  return take_commands();
}

BatchCommands BatchControl::handle(const BatchEvent& event) {
  std::visit([this](const auto& e) { on(e); }, event);
  advance();
  return take_commands();
}

BatchCommands BatchControl::stop() {
  stopped_ = true;
  if (phase_ == Phase::working) {
    roles_->end(0, orders_);
    phase_ = Phase::ending;
  }
  advance();
  return take_commands();
}

void BatchControl::on(const NodeReady& event) { roles_.value().node_ready(event.rank, orders_); }

void BatchControl::on(const WorkerReady& event) {
  if (!roles_.value().worker_ready(event.rank)) return;
  hand_split(event.rank);  // to begin with
  hand_split(event.rank);  // to come
}

// A worker publishes in the order in which it was given splits.
void BatchControl::on(const Published& event) {
  auto& held = held_.at(static_cast<std::size_t>(event.rank));
  for (auto left = event.records; left > 0;) {
    require(!held.empty(), name(event.rank) + " published more than it was given");
    auto& [piece, records] = held.front();
    const auto published = std::min(left, records.count);
    records = {records.first + published, records.count - published};
    left -= published;
    if (records.count == 0) held.pop_front();
  }
}

void BatchControl::on(const Left& event) {
  require(stopped_ || held_.at(static_cast<std::size_t>(event.rank)).empty(),
          name(event.rank) + " left before it had published all");
  roles_.value().left(event.rank, orders_);
}

void BatchControl::on(const Committed& event) {
  require(phase_ == Phase::committing && event.stage == work_.stage,
          "a stage was committed that is not finished");
  phase_ = Phase::idle;
}

bool BatchControl::all_published() const {
  return splits_->empty() &&
         std::all_of(held_.begin(), held_.end(), [](const auto& held) { return held.empty(); });
}

void BatchControl::hand_split(Rank rank) {
  if (stopped_ || phase_ != Phase::working) return;
  const auto split = splits_.value().take(rank, workers());
  if (!split) return;
  held_.at(static_cast<std::size_t>(rank)).push_back({split->piece, split->records});
  commands_.emplace_back(ProcessSplit{rank, split->piece, split->records});
}

BatchCommands BatchControl::lose(Rank rank, std::vector<int> stage_of_rank, GpuPlaces places) {
  if (!roles_ || phase_ == Phase::idle || phase_ == Phase::committing) return {};
  for (const auto& [piece, records] : std::exchange(held_.at(static_cast<std::size_t>(rank)), {})) {
    splits_->give_back(piece, records);
  }
  work_.stage_of_rank = std::move(stage_of_rank);
  if (!places.empty()) new_places_ = std::move(places);
  roles_->lost(rank, orders_);
  advance();
  return take_commands();
}

// All have left, or died, and something came back meanwhile.
void BatchControl::begin_again() {
  roles_.emplace(Roles(*roles_, work_.stage_of_rank, new_places_));
  roles_->start(orders_);
  phase_ = Phase::working;
}

// One worker at least is ready before they all retire: a sink without records has its file too.
void BatchControl::advance() {
  if (phase_ == Phase::working && splits_->empty() && roles_->ready_in(0) > 0) {
    roles_->end(0, orders_);
    phase_ = Phase::ending;
  }
  const bool under_way = phase_ == Phase::working || phase_ == Phase::ending;
  if (!under_way || !roles_->empty()) return;
  if (stopped_ && !all_published()) {
    unfinished_ = true;
    phase_ = Phase::idle;
  } else if (phase_ == Phase::working || !splits_->empty()) {
    begin_again();
  } else {
    commands_.emplace_back(CommitStage{work_.stage});
    phase_ = Phase::committing;
  }
}

// Splits come before a Retire, which says that no other will.
BatchCommands BatchControl::take_commands() {
  for (auto& order : std::exchange(orders_, {})) {
    if (auto* assign = std::get_if<Assign>(&order)) {
      assign->stage = work_.stage;
      commands_.emplace_back(*assign);
    } else if (const auto* retire = std::get_if<Retire>(&order)) {
      commands_.emplace_back(*retire);
    }
  }
  return std::exchange(commands_, {});
}

}  // namespace sluice::control
