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
      workers_(plan_.stages.size()),
      retired_(plan_.stages.size(), false),
      lineage_(plan_.inputs) {
  auto specs = plan_.stages;
  if (plan_.collect) specs.push_back(collecting);
  loads_.resize(specs.size());
  for (const auto& spec : specs) channels_.emplace_back(spec, plan_.node_of_rank);
  if (plan_.collect) channels_.back().add_consumer(coordinator);
  for (std::size_t rank = 1; rank < plan_.stage_of_rank.size(); ++rank) {
    const int stage = plan_.stage_of_rank[rank];
    if (stage < 0) continue;
    workers_.at(static_cast<std::size_t>(stage)).push_back(static_cast<Rank>(rank));
    present_.insert(static_cast<Rank>(rank));
  }
  for (std::size_t stage = 0; stage < workers_.size(); ++stage) {
    if (workers_[stage].empty()) {
      throw InvariantError("stage " + std::to_string(stage) + " was planned without workers");
    }
  }
}

Commands RunControl::start(Time now) {
  for (std::size_t stage = 0; stage < workers_.size(); ++stage) {
    std::set<int> nodes;
    for (const Rank rank : workers_[stage]) {
      const bool first_on_node = nodes.insert(node_of(rank)).second;
      if (first_on_node) commands_.push_back(assignment(stage, rank, true));
    }
  }
  channels_.front().backlog(coordinator, plan_.inputs, 0);
  channels_.front().end_of_input();
  advance(now);
  return std::exchange(commands_, {});
}

Commands RunControl::handle(const Event& event, Time now) {
  std::visit([this](const auto& e) { on(e); }, event);
  advance(now);
  return std::exchange(commands_, {});
}

void RunControl::on(const NodeReady& event) {
  const auto stage = stage_of(event.rank);
  if (retired_[stage]) return;
  for (const Rank rank : workers_[stage]) {
    if (node_of(rank) == node_of(event.rank)) commands_.push_back(assignment(stage, rank, false));
  }
}

void RunControl::on(const WorkerReady& event) {
  const auto stage = stage_of(event.rank);
  if (!retired_[stage]) channels_[stage].add_consumer(event.rank);
}

void RunControl::on(const Taken& event) {
  const auto channel = channel_of(event.rank);
  loads_[channel].taken(channels_[channel].taken(event.rank, event.batch), event.bytes);
}

void RunControl::on(const Finished& event) {
  const auto channel = channel_of(event.rank);
  for (const auto& descent : event.descents) lineage_.apply(descent);
  if (!event.delivered) {
    loads_.at(channel + 1).made(event.records, event.bytes);
    channels_[channel + 1].backlog(event.rank, event.records, event.bytes);
  }
  channels_[channel].finished(event.rank, event.batch);
}

void RunControl::on(const Admitted& event) { loads_.front().made(0, event.bytes); }

void RunControl::on(const Left& event) {
  const auto stage = stage_of(event.rank);
  if (retired_[stage] && present_.erase(event.rank) == 1) return;
  throw InvariantError("rank " + std::to_string(event.rank) +
                       " left twice, or before its stage ended");
}

std::optional<Time> RunControl::deadline() const {
  std::optional<Time> earliest;
  for (const auto& channel : channels_) {
    const auto due = channel.deadline();
    if (due && (!earliest || *due < *earliest)) earliest = due;
  }
  return earliest;
}

bool RunControl::finished() const {
  if (!present_.empty() || !channels_.back().idle()) return false;
  if (lineage_.done() != lineage_.inputs()) {
    throw InvariantError("the run ended with " +
                         std::to_string(lineage_.inputs() - lineage_.done()) + " inputs not done");
  }
  return true;
}

std::size_t RunControl::stage_of(Rank rank) const {
  const int stage = plan_.stage_of_rank.at(static_cast<std::size_t>(rank));
  if (stage < 0) throw InvariantError("rank " + std::to_string(rank) + " has no stage");
  return static_cast<std::size_t>(stage);
}

std::size_t RunControl::channel_of(Rank rank) const {
  return rank == coordinator ? plan_.stages.size() : stage_of(rank);
}

Assign RunControl::assignment(std::size_t stage, Rank rank, bool setup_node) const {
  const auto& ranks = workers_[stage];
  const auto number = std::find(ranks.begin(), ranks.end(), rank) - ranks.begin();
  const bool deliver = stage + 1 == workers_.size() && !plan_.collect;
  return Assign{rank, stage, static_cast<std::uint64_t>(number), ranks.size(), setup_node, deliver};
}

void RunControl::advance(Time now) {
  const auto first = commands_.size();
  channels_.front().match(now, commands_);
  count_admissions(first);
  end_stages();
  for (std::size_t k = 1; k < channels_.size(); ++k) channels_[k].match(now, commands_);
  end_stages();
}

// Channel 0 stores a record from its grant on: before, it is input that was not admitted.
void RunControl::count_admissions(std::size_t first) {
  for (std::size_t i = first; i < commands_.size(); ++i) {
    if (const auto* grant = std::get_if<Grant>(&commands_[i])) {
      loads_.front().made(grant->records, 0);
    }
  }
}

void RunControl::end_stages() {
  for (std::size_t k = 0; k < workers_.size(); ++k) {
    if (retired_[k]) continue;
    if (!channels_[k].idle()) return;
    const bool has_next = k + 1 < channels_.size();
    if (has_next) channels_[k + 1].end_of_input();
    if (has_next && !channels_[k + 1].drained()) return;
    for (const Rank rank : workers_[k]) commands_.push_back(Retire{rank});
    retired_[k] = true;
  }
}

}  // namespace sluice::control
