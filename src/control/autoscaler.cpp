#include "control/autoscaler.hpp"

#include "control/role_change.hpp"

#include <sluice/error.hpp>

#include <algorithm>
#include <cmath>
#include <utility>
#include <variant>

namespace sluice::control {
namespace {

using std::chrono::seconds;

constexpr Time look_every = std::chrono::milliseconds(500);
constexpr Time least_rest = seconds(2);
/// After so long a stage that no record has reached keeps the workers that it has.
constexpr Time patience = seconds(30);
/// Less is not worth a move, in seconds and as a share of the time left.
constexpr double least_saving = 0.5;
constexpr double least_share = 0.03;
/// A gain must exceed so many standard errors of the speeds that it is computed from.
constexpr double deviations = 2.5;
/// A speed is known once its relative standard error is below this.
constexpr double known_error = 0.15;
/// Stands for the speed of a stage that has nothing to do.
constexpr double boundless = 1e12;

void smooth(double& average, bool& measured, double value) {
  average = measured ? average + (value - average) / 4 : value;
  measured = true;
}

// A batch in process is not shared out any more, so the last one takes its time.
double time_for(const StageOutlook& stage, double workers) {
  if (stage.speed <= 0 || stage.remaining <= 0) return 0;
  return std::max(stage.batch, stage.remaining / (workers * stage.speed));
}

// Its workers are those that stay until the movers are ready, one at least, and all of them from
// then on.
double time_with_moves(const StageOutlook& stage) {
  const double staying = std::max(1.0, static_cast<double>(stage.staying));
  const double meanwhile = staying * stage.speed * stage.setup;
  if (stage.speed <= 0 || meanwhile >= stage.remaining) return time_for(stage, staying);
  return stage.setup +
         (stage.remaining - meanwhile) / (static_cast<double>(stage.workers_after) * stage.speed);
}

/// The plan's stages that `stages` lists.
Plan part_of(const Plan& plan, const std::vector<std::size_t>& stages) {
  Plan part;
  for (const auto k : stages) part.stages.push_back(plan.stages[k]);
  return part;
}

}  // namespace

Autoscaler::Autoscaler(std::vector<StageDemand> stages, std::vector<ChannelSpec> channels,
                       Topology topology, std::vector<int> node_of_rank, Plan plan)
    : demands_(std::move(stages)),
      channels_(std::move(channels)),
      topology_(std::move(topology)),
      node_of_rank_(std::move(node_of_rank)),
      plan_(std::move(plan)),
      meters_(demands_.size()),
      usage_of_rank_(node_of_rank_.size()),
      in_process_(node_of_rank_.size()),
      next_look_(look_every) {
  for (std::size_t k = 0; k < meters_.size(); ++k) {
    meters_[k].speed = SpeedMeter(channels_[k].depth);
  }
}

void Autoscaler::note(Rank rank, std::size_t stage, const std::vector<Event>& events,
                      const Usage& usage, const StageWork& work, Time now) {
  auto& meter = meters_.at(stage);
  auto& before = usage_of_rank_.at(static_cast<std::size_t>(rank));
  const double setup = usage.setup - before.setup;
  if (work.batches > 0) {
    meter.speed.add(now, work.batches, work.records, usage.running - before.running);
  }
  auto& in_process = in_process_[static_cast<std::size_t>(rank)];
  for (const auto& event : events) {
    if (const auto* taken = std::get_if<Taken>(&event)) {
      in_process[taken->batch] = {stage, now};
      meter.speed.began(now);
    } else if (const auto* finished = std::get_if<Finished>(&event)) {
      meter.speed.ended(in_process.at(finished->batch).at);
      in_process.erase(finished->batch);
    } else if (std::holds_alternative<NodeReady>(event)) {
      smooth(meter.node_setup, meter.node_set_up, setup);
    } else if (std::holds_alternative<WorkerReady>(event)) {
      smooth(meter.setup, meter.set_up, setup);
    }
  }
  before = usage;
}

void Autoscaler::lost(const std::set<Rank>& ranks, Topology left) {
  topology_ = std::move(left);
  for (const Rank rank : ranks) node_of_rank_.at(static_cast<std::size_t>(rank)) = -1;
  settled_since_.reset();
  for (auto& of_rank : in_process_) {  // what was in process comes again
    for (const auto& [batch, begun] : of_rank) meters_[begun.stage].speed.ended(begun.at);
    of_rank.clear();
  }
}

std::optional<Decision> Autoscaler::consider(const RunControl& control, Time now) {
  if (now < next_look_) return std::nullopt;
  next_look_ = now + look_every;
  if (!may_decide(control, now)) return std::nullopt;
  auto stages = survey(control, now);
  Stages going;
  for (std::size_t k = 0; k < stages.size(); ++k) {
    if (!control.roles().ended(k)) going.push_back(k);
  }
  if (!all_known(stages, going, now) || !worth_planning(stages, going)) return std::nullopt;
  try {
    return propose(control, std::move(stages), going, now);
  } catch (const LaunchError&) {
    return std::nullopt;  // the stages that are left cannot be placed in another way
  }
}

bool Autoscaler::may_decide(const RunControl& control, Time now) {
  if (!control.roles().settled()) {
    settled_since_.reset();
    return false;
  }
  if (!settled_since_) settled_since_ = now;
  return now - *settled_since_ >= rest_;
}

std::vector<StageOutlook> Autoscaler::survey(const RunControl& control, Time now) const {
  std::vector<StageOutlook> stages(demands_.size());
  double coming = static_cast<double>(control.inputs());
  for (std::size_t k = 0; k < stages.size(); ++k) {
    auto& stage = stages[k];
    const auto& work = control.work(k);
    const auto& meter = meters_[k].speed;
    stage.name = demands_[k].name;
    stage.error = meter.error();
    stage.batch = meter.seconds_per_batch();
    if (stage.error < known_error) stage.speed = meter.speed(now);
    stage.workers = control.roles().workers_of(k);
    stage.remaining = std::max(0.0, coming - static_cast<double>(work.records));
    const double each = work.records > 0
                            ? static_cast<double>(work.outputs) / static_cast<double>(work.records)
                            : demands_[k].selectivity;
    coming = static_cast<double>(work.outputs) + stage.remaining * each;
  }
  return stages;
}

bool Autoscaler::all_known(const std::vector<StageOutlook>& stages, const Stages& going,
                           Time now) const {
  const auto unknown = [&](std::size_t k) {
    return !demands_[k].pinned() && stages[k].speed <= 0 && stages[k].remaining > 0;
  };
  if (std::all_of(going.begin(), going.end(), unknown)) return false;
  return now > patience || std::none_of(going.begin(), going.end(), unknown);
}

// Workers of whom none ever waits would need this long; if even that saves too little, no plan can.
bool Autoscaler::worth_planning(const std::vector<StageOutlook>& stages,
                                const Stages& going) const {
  double work = 0;  // seconds of one worker
  double longest = 0;
  double workers = 0;
  for (const auto k : going) {
    longest = std::max(longest, time_for(stages[k], static_cast<double>(stages[k].workers)));
    if (demands_[k].pinned() || stages[k].speed <= 0) continue;
    work += time_for(stages[k], 1);
  }
  for (const auto& node : topology_.nodes) {
    workers += static_cast<double>(node.workers.value_or(0));
  }
  const double saving = longest - work / std::max(1.0, workers);
  return saving > std::max(least_saving, least_share * longest);
}

// For the remaining work: a stage with twice as much left needs twice as many workers.
Plan Autoscaler::plan_for(const std::vector<StageOutlook>& stages, const Stages& going) const {
  double most = 1;
  for (const auto k : going) most = std::max(most, stages[k].remaining);
  std::vector<StageDemand> demands;
  for (const auto k : going) {
    auto& demand = demands.emplace_back(demands_[k]);
    const bool idle = stages[k].remaining <= 0;
    const bool unknown = stages[k].speed <= 0;
    demand.selectivity = 1;
    demand.speed = idle || unknown ? boundless : stages[k].speed * most / stages[k].remaining;
    if (unknown && !idle && !demand.pinned()) demand.workers = stages[k].workers;
  }
  const auto current = part_of(plan_, going);
  return make_plan(demands, topology_, &current);
}

std::optional<Decision> Autoscaler::propose(const RunControl& control,
                                            std::vector<StageOutlook> stages, const Stages& going,
                                            Time now) {
  const auto plan = plan_for(stages, going);
  const auto current = control.roles().destinations();
  std::vector<int> place_of(demands_.size(), -1);  // of a stage among those that go on
  for (std::size_t i = 0; i < going.size(); ++i) place_of[going[i]] = static_cast<int>(i);
  auto among_going = current;
  for (auto& stage : among_going) {
    if (stage >= 0) stage = place_of[static_cast<std::size_t>(stage)];
  }
  Decision decision;
  decision.at = now;
  decision.stages = std::move(stages);
  decision.stage_of_rank =
      assign_ranks(plan, node_of_rank_, among_going, control.roles().primaries());
  for (auto& stage : decision.stage_of_rank) {
    if (stage >= 0) stage = static_cast<int>(going[static_cast<std::size_t>(stage)]);
  }
  auto seats = control.roles().seats();
  if (seats.in_use()) {
    auto placed = plan_;
    for (std::size_t i = 0; i < going.size(); ++i) placed.stages[going[i]] = plan.stages[i];
    decision.places = gpu_places(placed, demands_);
    seats.plan(decision.places);
  }
  if (!count_moves(current, control.roles().primaries(), std::move(seats), decision)) {
    return std::nullopt;
  }
  time_moves(control, current, decision);
  weigh(going, decision);
  const double saved = decision.time_left - decision.time_left_after - decision.least_gain;
  if (saved < decision.cost || decision.gain < std::max(least_saving, decision.least_gain)) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < going.size(); ++i) plan_.stages[going[i]] = plan.stages[i];
  settled_since_.reset();
  rest_ = std::max(least_rest, Time(std::llround(decision.cost * 1e9)));
  return decision;
}

// False if no rank moves, or one of a pinned stage would, or none could be the first to move.
bool Autoscaler::count_moves(const std::vector<int>& current, const std::vector<Rank>& primaries,
                             GpuSeats seats, Decision& decision) const {
  const auto pinned = [this](int stage) {
    return stage >= 0 && demands_[static_cast<std::size_t>(stage)].pinned();
  };
  const auto& next = decision.stage_of_rank;
  const auto after = form_groups(next, node_of_rank_, group_sizes(demands_), primaries);
  const RoleChange change{current, next, primaries, after, groups_of(after)};
  for (std::size_t rank = 1; rank < current.size(); ++rank) {
    const int to = next[rank];
    if (!change.groups_after[rank].empty()) {
      auto& stage = decision.stages[static_cast<std::size_t>(to)];
      ++stage.workers_after;
      if (!change.any_of_group(rank, [&](auto each) { return change.moves(each); })) {
        ++stage.staying;
      }
    }
    if (!change.moves(rank)) continue;
    if (pinned(current[rank]) || pinned(to)) return false;
    ++decision.moved;
  }
  std::vector<bool> goes_on;
  for (const auto& stage : decision.stages) goes_on.push_back(stage.staying > 0);
  return decision.moved > 0 && can_be_carried_out(change, std::move(goes_on), std::move(seats));
}

// The last worker of a stage is busy until the newcomer there is ready.
void Autoscaler::time_moves(const RunControl& control, const std::vector<int>& current,
                            Decision& decision) const {
  auto& stages = decision.stages;
  for (const bool relieved : {false, true}) {
    for (std::size_t rank = 1; rank < current.size(); ++rank) {
      const int from = current[rank];
      const int to = decision.stage_of_rank[rank];
      if (to < 0 || from == to) continue;
      auto& setup = stages[static_cast<std::size_t>(to)].setup;
      double time =
          time_to_move(control, static_cast<Rank>(rank), from, static_cast<std::size_t>(to));
      if (relieved && from >= 0 && stages[static_cast<std::size_t>(from)].staying == 0) {
        time += stages[static_cast<std::size_t>(from)].setup;
      }
      setup = std::max(setup, time);
    }
  }
}

double Autoscaler::time_to_move(const RunControl& control, Rank rank, int from,
                                std::size_t to) const {
  double time = meters_[to].setup;
  const int node = node_of_rank_[static_cast<std::size_t>(rank)];
  if (!control.roles().node_is_set_up(to, node)) time += meters_[to].node_setup;
  if (from < 0) return time;
  const auto k = static_cast<std::size_t>(from);
  return time +
         static_cast<double>(channels_[k].most_held()) * meters_[k].speed.seconds_per_batch();
}

void Autoscaler::weigh(const Stages& going, Decision& decision) const {
  double with_moves = 0;
  double error_before = 0;
  double error_after = 0;
  for (const auto k : going) {
    const auto& stage = decision.stages[k];
    const double before = time_for(stage, static_cast<double>(stage.workers));
    const double after = time_for(stage, static_cast<double>(stage.workers_after));
    if (before > decision.time_left) {
      decision.time_left = before;
      decision.bottleneck = k;
      error_before = stage.error;
    }
    if (after > decision.time_left_after) {
      decision.time_left_after = after;
      error_after = stage.error;
    }
    with_moves = std::max(with_moves, time_with_moves(stage));
    decision.cost = std::max(decision.cost, stage.setup);
  }
  decision.gain = decision.time_left - std::max(with_moves, decision.time_left_after);
  decision.least_gain = decision.time_left *
                        std::max(least_share, deviations * std::hypot(error_before, error_after));
}

}  // namespace sluice::control
