#include "control/run_control.hpp"

#include <sluice/error.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace sluice::control {

void ChannelLoad::made(std::uint64_t more_records, std::uint64_t more_bytes) {
  records += more_records;
  bytes += more_bytes;
  peak_records = std::max(peak_records, records);
  peak_bytes = std::max(peak_bytes, bytes);
}

void ChannelLoad::taken(std::uint64_t fewer_records, std::uint64_t fewer_bytes) {
  if (fewer_records > records || fewer_bytes > bytes) {
    throw InvariantError("a channel gave out more than it stored");
  }
  records -= fewer_records;
  bytes -= fewer_bytes;
  taken_records += fewer_records;
}

RunControl::RunControl(RunPlan plan)
    : plan_(std::move(plan)),
      work_(plan_.stages.size()),
      roles_(plan_.stages.size(), plan_.stage_of_rank, plan_.node_of_rank, !plan_.collect,
             plan_.group_sizes, plan_.gpu_seats),
      lifetimes_(plan_.lifetimes),
      backlog_(plan_.stage_of_rank.size(), 0),
      lineage_(plan_.inputs) {
  for (const auto& range : plan_.done) lineage_.skip(range.first, range.count);
  loads_.resize(plan_.stages.size() + (plan_.collect ? 1 : 0));
  open_channels();
}

void RunControl::open_channels() {
  channels_.clear();
  for (const auto& spec : plan_.stages) channels_.emplace_back(spec, plan_.node_of_rank);
  if (!plan_.collect) return;
  channels_.emplace_back(collecting, plan_.node_of_rank);
  channels_.back().add_consumer(coordinator);
}

void RunControl::begin_again(std::vector<int> stage_of_rank, const std::vector<InputRange>& done,
                             const std::vector<Rank>& lost, GpuPlaces places) {
  plan_.stage_of_rank = std::move(stage_of_rank);
  for (const Rank rank : lost) roles_.vacated(rank);
  roles_ = Roles(roles_, plan_.stage_of_rank, std::move(places));
  lifetimes_ = Lifetimes(plan_.lifetimes);
  open_channels();
  for (auto& load : loads_) load.records = load.bytes = 0;
  backlog_.assign(backlog_.size(), 0);
  lineage_ = Lineage(plan_.inputs);
  kept_back_ = 0;
  for (const auto& range : done) lineage_.skip(range.first, range.count);
}

Commands RunControl::start(Time now) {
  roles_.start(commands_);
  channels_.front().backlog(coordinator, lineage_.inputs() - lineage_.done(), 0);
  channels_.front().end_of_input();
  advance(now);
  return std::exchange(commands_, {});
}

Commands RunControl::handle(const Event& event, Time now) {
  now_ = now;
  std::visit([this](const auto& e) { on(e); }, event);
  if (const auto* ready = std::get_if<WorkerReady>(&event)) {
    lifetimes_.ready(ready->rank, roles_.stage_of(ready->rank), now);
  }
  advance(now);
  return std::exchange(commands_, {});
}

Commands RunControl::stop_admission(Time now) {
  kept_back_ += channels_.front().withdraw(coordinator);
  advance(now);
  return std::exchange(commands_, {});
}

Commands RunControl::reassign(const std::vector<int>& stage_of_rank, Time now, GpuPlaces places) {
  for (const Rank rank : roles_.reassign(stage_of_rank, commands_, std::move(places))) drain(rank);
  advance(now);
  return std::exchange(commands_, {});
}

void RunControl::drain(Rank rank) {
  channels_[roles_.stage_of(rank)].close(rank, commands_);
  retire_if_drained(rank);
}

void RunControl::on(const NodeReady& event) { roles_.node_ready(event.rank, commands_); }

void RunControl::on(const WorkerReady& event) {
  if (!roles_.worker_ready(event.rank)) return;
  const auto stage = roles_.stage_of(event.rank);
  channels_[stage].add_consumer(event.rank);
  if (const auto relieved = roles_.relieve(stage)) drain(*relieved);
}

void RunControl::on(const Taken& event) {
  const auto channel = channel_of(event.rank);
  const auto records = channels_[channel].taken(event.rank, event.batch);
  loads_[channel].taken(records, event.bytes);
  if (event.rank != coordinator) lifetimes_.worked(event.rank, channel);
}

void RunControl::on(const Finished& event) {
  const auto channel = channel_of(event.rank);
  for (const auto& descent : event.descents) lineage_.apply(descent);
  if (!event.delivered) {
    auto& next = channels_.at(channel + 1);
    loads_.at(channel + 1).made(event.records, event.bytes);
    const auto sent = next.settle(event.rank, {event.records, event.bytes}, now_, commands_);
    next.backlog(event.rank, event.records - sent.records, event.bytes - sent.bytes);
    backlog_.at(static_cast<std::size_t>(event.rank)) += event.records - sent.records;
  }
  const auto inputs = channels_[channel].finished(event.rank, event.batch);
  if (event.rank != coordinator) work_[channel].add(inputs, event.records);
  retire_if_drained(event.rank);
}

void RunControl::on(const Declined& event) {
  retire_if_drained(channels_.at(event.channel).declined(event.batch));
}

bool RunControl::is_early(const Event& event) const {
  const auto* taken = std::get_if<Taken>(&event);
  return taken != nullptr && channels_[channel_of(taken->rank)].awaits(taken->batch);
}

void RunControl::on(const Admitted& event) { loads_.front().made(0, event.bytes); }

void RunControl::on(const Left& event) {
  const auto stage = roles_.stage_of(event.rank);
  roles_.left(event.rank, commands_);
  const auto next = roles_.destinations()[static_cast<std::size_t>(event.rank)];
  lifetimes_.left(event.rank, stage, next == static_cast<int>(stage));
}

// A worker that is on its way out anyway needs no renewal.
void RunControl::renew_old_workers(Time now) {
  while (const auto rank = lifetimes_.next_due(now)) {
    const auto stage = roles_.stage_of(*rank);
    if (!roles_.renew(*rank, plan_.lifetimes.at(stage).renumber)) continue;
    channels_[stage].close(*rank, commands_);
    retire_if_drained(*rank);
  }
}

std::optional<Time> RunControl::deadline() const {
  auto earliest = lifetimes_.deadline();
  for (const auto& channel : channels_) {
    const auto due = channel.deadline();
    if (due && (!earliest || *due < *earliest)) earliest = due;
  }
  return earliest;
}

bool RunControl::finished() const {
  if (!roles_.empty() || !channels_.back().idle()) return false;
  const auto admitted = lineage_.inputs() - kept_back_;
  if (lineage_.done() != admitted) {
    throw InvariantError("the run ended with " + std::to_string(admitted - lineage_.done()) +
                         " inputs not done");
  }
  return true;
}

std::size_t RunControl::channel_of(Rank rank) const {
  return rank == coordinator ? plan_.stages.size() : roles_.stage_of(rank);
}

void RunControl::advance(Time now) {
  renew_old_workers(now);
  match(0, now);
  end_stages();
  for (std::size_t k = 1; k < channels_.size(); ++k) match(k, now);
  end_stages();
  for (std::size_t k = 1; k < plan_.stages.size(); ++k) grant_ahead(k);
}

void RunControl::grant_ahead(std::size_t channel) {
  if (plan_.stages[channel - 1].depth > 1) return;
  const auto producer = channels_[channel - 1].only_busy_consumer();
  if (producer) channels_[channel].grant_ahead(*producer, channel, commands_);
}

void RunControl::match(std::size_t channel, Time now) {
  const auto first = commands_.size();
  channels_[channel].match(now, commands_);
  const auto end = commands_.size();
  for (auto i = first; i < end; ++i) {
    if (const auto* grant = std::get_if<Grant>(&commands_[i])) {
      count_granted(channel, Grant(*grant));
    }
  }
}

// Channel 0 stores a record from its grant on: before, it is input that was not admitted.
void RunControl::count_granted(std::size_t channel, const Grant& grant) {
  if (channel == 0) return loads_.front().made(grant.records, 0);
  backlog_.at(static_cast<std::size_t>(grant.producer)) -= grant.records;
  retire_if_drained(grant.producer);
}

// Its last grants are among the commands already, so it sends what they say before it retires.
void RunControl::retire_if_drained(Rank rank) {
  if (rank == coordinator || !roles_.draining(rank)) return;
  const bool holds_batches = channels_[roles_.stage_of(rank)].has_consumer(rank);
  if (!holds_batches && backlog_[static_cast<std::size_t>(rank)] == 0) {
    roles_.retire(rank, commands_);
  }
}

void RunControl::end_stages() {
  for (std::size_t k = 0; k < plan_.stages.size(); ++k) {
    if (roles_.ended(k)) continue;
    if (!channels_[k].idle()) return;
    const bool has_next = k + 1 < channels_.size();
    if (has_next) channels_[k + 1].end_of_input();
    if (has_next && !channels_[k + 1].drained()) return;
    roles_.end(k, commands_);
  }
}

}  // namespace sluice::control
