#include "control/roles.hpp"

#include <sluice/error.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace sluice::control {

Roles::Roles(std::size_t stages, const std::vector<int>& stage_of_rank,
             std::vector<int> node_of_rank, bool deliver, GroupSizes sizes, GpuSeats seats)
    : members_(stage_of_rank.size()),
      stages_(stages),
      node_of_rank_(std::move(node_of_rank)),
      deliver_(deliver),
      sizes_(std::move(sizes)),
      seats_(std::move(seats)) {
  const auto groups = groups_of(form_groups(stage_of_rank, node_of_rank_, sizes_));
  seat_all(stage_of_rank, groups);
  enrol_all(stage_of_rank, groups);
}

Roles::Roles(const Roles& before, std::vector<int> stage_of_rank, GpuPlaces places)
    : members_(stage_of_rank.size()),
      stages_(before.stages_.size()),
      node_of_rank_(before.node_of_rank_),
      deliver_(before.deliver_),
      sizes_(before.sizes_),
      seats_(before.seats_),
      terms_(before.terms_) {
  for (std::size_t k = 0; k < stages_.size(); ++k) {
    stages_[k].numbers = before.stages_[k].numbers;
    stages_[k].most_workers = before.stages_[k].most_workers;
    for (const auto& [node, state] : before.stages_[k].nodes) {
      if (state.ready) stages_[k].nodes[node].ready = true;
    }
  }
  auto groups = groups_of(form_groups(stage_of_rank, node_of_rank_, sizes_, before.primaries()));
  if (!places.empty()) seats_.plan(std::move(places));
  vacate(before, stage_of_rank, groups);
  enrol_all(stage_of_rank, groups);
}

void Roles::enrol_all(const std::vector<int>& stage_of_rank, const std::vector<Group>& groups) {
  const auto is_free = [this](Rank rank) { return member(rank).standing == Standing::none; };
  std::vector<bool> has_worker(stages_.size(), false);
  for (std::size_t rank = 1; rank < groups.size(); ++rank) {
    const auto& group = groups[rank];
    if (group.empty()) continue;
    const int stage = stage_of_rank[rank];
    has_worker.at(static_cast<std::size_t>(stage)) = true;
    const bool all_free = std::all_of(group.begin(), group.end(), is_free);
    if (all_free && seats_.take({group, stage}, GpuSeats::Where::planned)) {
      enrol(group, stage);
    } else {
      forming_.push_back({stage, group, true, {}});
    }
  }
  for (std::size_t k = 0; k < stages_.size(); ++k) {
    if (has_worker[k]) continue;
    throw InvariantError("stage " + std::to_string(k) + " was planned without workers");
  }
}

void Roles::start(Commands& commands) {
  for (std::size_t k = 0; k < stages_.size(); ++k) {
    for (std::size_t rank = 1; rank < members_.size(); ++rank) {
      if (members_[rank].stage != static_cast<int>(k)) continue;
      const auto each = static_cast<Rank>(rank);
      if (members_[rank].standing == Standing::retiring) {  // it vacates its GPUs
        commands.push_back(Retire{each});
      } else {
        begin(each, commands);
      }
    }
  }
}

void Roles::node_ready(Rank rank, Commands& commands) {
  auto& node = stages_.at(stage_of(rank)).nodes.at(node_of(rank));
  node.ready = true;
  std::sort(node.waiting.begin(), node.waiting.end());
  for (const Rank each : std::exchange(node.waiting, {})) {
    commands.push_back(assignment(each, false));
  }
}

bool Roles::worker_ready(Rank rank) {
  auto& worker = members_.at(static_cast<std::size_t>(rank));
  auto& home = stages_.at(stage_of(rank));
  if (worker.standing == Standing::retiring) return false;
  worker.standing = Standing::working;
  ++home.ready;
  return true;
}

void Roles::left(Rank rank, Commands& commands) {
  auto& leaver = member(rank);
  if (leaver.standing != Standing::retiring) {
    throw InvariantError("rank " + std::to_string(rank) + " left twice, or before it was told to");
  }
  const bool followed = follows(rank);
  const auto group = followed ? Group() : group_here(rank);
  if (!followed && !stage(leaver).ended) --stage(leaver).workers;
  --present_;
  const auto before = std::exchange(leaver, {});
  if (!before.returning && !(followed && is_returning(rank))) seats_.free(rank);
  dismiss_followers(group, commands);
  std::optional<std::uint64_t> number;
  if (before.returning && !before.renumber) number = before.number;
  if (before.returning && group.size() > 1) {
    forming_.push_back({before.stage, group, true, number});
  } else if (before.next >= 0 && group_size(sizes_, before.next) == 1) {
    join({rank}, before.next, number, commands);
  }
  begin_formed(commands);
  seat_the_rest(commands);
}

bool Roles::renew(Rank rank, bool renumber) {
  auto& worker = member(rank);
  stay(worker);
  keep_unrelieved();
  if (worker.standing != Standing::working) return false;
  drain(worker);
  worker.next = worker.stage;
  worker.returning = true;
  worker.renumber = renumber;
  return true;
}

void Roles::lost(Rank rank, Commands& commands) {
  auto& dead = member(rank);
  if (dead.standing == Standing::none) return;
  auto& home = stage(dead);
  stop_staying(dead);
  if (!home.ended) --home.workers;
  --present_;
  seats_.free(rank);
  const auto here = home.nodes.find(node_of(rank));
  dead = {};
  if (here == home.nodes.end() || here->second.ready) return;
  auto& [ready, waiting, setting_up] = here->second;
  std::erase(waiting, rank);
  if (setting_up != rank) return;
  if (waiting.empty()) {
    home.nodes.erase(here);
  } else {
    setting_up = waiting.front();
    commands.push_back(assignment(setting_up, true));
  }
}

std::vector<Rank> Roles::reassign(const std::vector<int>& stage_of_rank, Commands& commands,
                                  GpuPlaces places) {
  const auto wanted = groups_of(form_groups(stage_of_rank, node_of_rank_, sizes_, primaries()));
  std::erase_if(forming_, [](const Forming& forming) { return !forming.returning; });
  std::vector<Rank> draining;
  for (std::size_t i = 1; i < stage_of_rank.size(); ++i) {
    const auto rank = static_cast<Rank>(i);
    if (follows(rank) || is_returning(rank)) continue;
    const bool drained_before = !has_stage(rank) || member(rank).standing == Standing::draining;
    const bool same_group = has_stage(rank) && wanted[i] == group_here(rank);
    promise(rank, stage_of_rank[i], same_group, commands);
    if (!drained_before && member(rank).standing == Standing::draining) draining.push_back(rank);
  }
  promise_followers(stage_of_rank);
  form_new(stage_of_rank, wanted);
  keep_unrelieved();
  plan_seats(std::move(places));
  begin_formed(commands);
  seat_the_rest(commands);
  return draining;
}

void Roles::promise(Rank rank, int next, bool same_group, Commands& commands) {
  auto& mover = member(rank);
  switch (mover.standing) {
    case Standing::none:
      if (next < 0 || group_size(sizes_, next) > 1) return;
      if (!seats_.asks(next)) return join({rank}, next, {}, commands);
      forming_.push_back({next, {rank}, false, {}});  // until it is known who sits where
      return;
    case Standing::draining:
    case Standing::retiring:
      if (mover.returning && (next == mover.stage || is_last(mover))) return;
      mover.next = next;
      mover.returning = false;
      return;
    default:
      break;
  }
  auto& home = stage(mover);
  if (mover.stage == next && same_group) return stay(mover);
  if (home.staying == 1 && mover.standing == Standing::joining) return;
  mover.next = next;
  if (mover.standing == Standing::joining) return retire(rank, commands);
  if (home.staying == 1) {
    mover.standing = Standing::awaiting_relief;
    home.to_relieve = rank;
    return;
  }
  drain(mover);
}

// Nobody else is left to do the stage's work.
bool Roles::is_last(const Member& leaver) const {
  const auto& home = stages_[static_cast<std::size_t>(leaver.stage)];
  return home.staying == 0 && !home.ended;
}

void Roles::stay(Member& member) {
  if (member.standing != Standing::awaiting_relief) return;
  member.standing = Standing::working;
  member.next = -1;
  stage(member).to_relieve.reset();
}

// Whoever stays comes nowhere else, so that another may have to stay for it.
void Roles::keep_unrelieved() {
  for (bool changed = true; std::exchange(changed, false);) {
    drop_forming();
    const auto joined = destinations();
    for (std::size_t k = 0; k < stages_.size(); ++k) {
      const auto waiting = stages_[k].to_relieve;
      if (!waiting || std::count(joined.begin(), joined.end(), static_cast<int>(k)) > 0) continue;
      stay(member(*waiting));
      changed = true;
    }
  }
}

std::optional<Rank> Roles::relieve(std::size_t stage) {
  auto& home = stages_.at(stage);
  if (!home.to_relieve || home.ready < 2) return std::nullopt;
  const Rank rank = *home.to_relieve;
  drain(member(rank));
  return rank;
}

void Roles::drain(Member& leaver) {
  stop_staying(leaver);
  leaver.standing = Standing::draining;
}

void Roles::retire(Rank rank, Commands& commands) {
  auto& leaver = member(rank);
  if (leaver.standing == Standing::retiring) return;
  stop_staying(leaver);
  leaver.standing = Standing::retiring;
  const auto here = stage(leaver).nodes.find(node_of(rank));
  if (here != stage(leaver).nodes.end()) std::erase(here->second.waiting, rank);
  commands.push_back(Retire{rank});
}

void Roles::end(std::size_t stage, Commands& commands) {
  stages_.at(stage).ended = true;
  for (std::size_t i = 1; i < members_.size(); ++i) {
    const auto rank = static_cast<Rank>(i);
    if (members_[i].stage == static_cast<int>(stage) && !follows(rank)) retire(rank, commands);
  }
}

std::size_t Roles::stage_of(Rank rank) const {
  const int stage = member(rank).stage;
  if (stage < 0) throw InvariantError("rank " + std::to_string(rank) + " has no stage");
  return static_cast<std::size_t>(stage);
}

bool Roles::node_is_set_up(std::size_t stage, int node) const {
  const auto it = stages_.at(stage).nodes.find(node);
  return it != stages_[stage].nodes.end() && it->second.ready;
}

bool Roles::settled() const {
  if (!forming_.empty()) return false;
  return std::all_of(members_.begin(), members_.end(), [this](const Member& m) {
    if (m.standing == Standing::none || m.standing == Standing::working) return true;
    if (m.standing == Standing::following) return true;  // as settled as its primary
    return m.next < 0 && stages_[static_cast<std::size_t>(m.stage)].ended;
  });
}

std::vector<int> Roles::destinations() const {
  std::vector<int> stages;
  stages.reserve(members_.size());
  for (const auto& m : members_) {
    const auto& worker = m.standing == Standing::following ? member(m.primary) : m;
    const bool stays = worker.standing == Standing::joining || worker.standing == Standing::working;
    stages.push_back(stays || worker.returning ? m.stage : m.next);
  }
  for (const auto& forming : forming_) {
    for (const Rank rank : forming.ranks) stages[static_cast<std::size_t>(rank)] = forming.stage;
  }
  return stages;
}

void Roles::enrol(const Group& group, int stage, std::optional<std::uint64_t> number) {
  auto& home = stages_.at(static_cast<std::size_t>(stage));
  const auto primary = group.front();
  const auto mine = number ? *number : home.numbers++;
  const auto term = group.size() > 1 ? ++terms_ : 0;
  for (const Rank rank : group) {
    const auto standing = rank == primary ? Standing::joining : Standing::following;
    member(rank) = {stage, standing, -1, mine, false, false, primary, term};
  }
  ++home.workers;
  ++home.staying;
  home.most_workers = std::max(home.most_workers, home.workers);
  present_ += group.size();
}

// The first worker of a stage on a node sets the node up; the others wait for it.
void Roles::begin(Rank rank, Commands& commands) {
  auto& nodes = stage(member(rank)).nodes;
  const auto [here, first] = nodes.try_emplace(node_of(rank));
  if (here->second.ready) {
    commands.push_back(assignment(rank, false));
    return;
  }
  here->second.waiting.push_back(rank);
  if (!first) return;
  here->second.setting_up = rank;
  commands.push_back(assignment(rank, true));
}

void Roles::join(const Group& group, int stage, std::optional<std::uint64_t> number,
                 Commands& commands) {
  if (stages_.at(static_cast<std::size_t>(stage)).ended) return give_up_seats(group, stage);
  if (!seats_.take({group, stage}, GpuSeats::Where::planned)) {
    forming_.push_back({stage, group, false, number});
    return;
  }
  enrol(group, stage, number);
  for (const Rank rank : group) begin(rank, commands);
}

void Roles::stop_staying(Member& leaver) {
  auto& home = stage(leaver);
  const bool waits = leaver.standing == Standing::awaiting_relief;
  const bool works = leaver.standing == Standing::working || waits;
  if (works || leaver.standing == Standing::joining) --home.staying;
  if (works) --home.ready;
  if (waits) home.to_relieve.reset();
}

Assign Roles::assignment(Rank rank, bool setup_node) const {
  const auto& m = member(rank);
  const auto stage = static_cast<std::size_t>(m.stage);
  const bool deliver = deliver_ && stage + 1 == stages_.size();
  Assign assign{rank, stage, m.number, stages_[stage].numbers, setup_node, deliver};
  if (m.term > 0) assign.group = group_here(m.primary);
  assign.term = m.term;
  assign.gpus = seats_.of(rank);
  return assign;
}

}  // namespace sluice::control
