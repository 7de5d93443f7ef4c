#include "control/roles.hpp"

#include <algorithm>
#include <utility>

// How ranks become groups and cease to be (docs/groups.md).
namespace sluice::control {

bool Roles::is_leaving(const Member& worker) const {
  return worker.standing == Standing::awaiting_relief || worker.standing == Standing::draining ||
         worker.standing == Standing::retiring;
}

// Whether the rank is free for the stage, or will be.
bool Roles::comes_for(Rank rank, int stage) const {
  const auto& m = member(rank);
  if (m.standing == Standing::none) return !is_returning(rank);
  const auto& worker = m.standing == Standing::following ? member(m.primary) : m;
  return is_leaving(worker) && !worker.returning && m.next == stage;
}

bool Roles::is_returning(Rank rank) const {
  return std::any_of(forming_.begin(), forming_.end(), [rank](const Forming& forming) {
    return forming.returning && std::count(forming.ranks.begin(), forming.ranks.end(), rank) > 0;
  });
}

Group Roles::group_here(Rank primary) const {
  const auto term = member(primary).term;
  if (term == 0) return {primary};
  Group group;  // some may still be leaving an earlier group that had the same primary
  for (std::size_t rank = 1; rank < members_.size(); ++rank) {
    if (members_[rank].term == term) group.push_back(static_cast<Rank>(rank));
  }
  return group;
}

std::vector<Rank> Roles::primaries() const {
  const auto stages = destinations();
  std::vector<Rank> result(members_.size(), -1);
  for (std::size_t rank = 1; rank < members_.size(); ++rank) {
    const auto& m = members_[rank];
    const auto& worker = m.standing == Standing::following ? member(m.primary) : m;
    const bool stays = m.primary >= 0 && (!is_leaving(worker) || worker.returning);
    if (stages[rank] >= 0 && stays) result[rank] = m.primary;
  }
  for (const auto& forming : forming_) {
    for (const Rank rank : forming.ranks) {
      result[static_cast<std::size_t>(rank)] = forming.ranks.front();
    }
  }
  return result;
}

// Where they go if their group is dissolved.
void Roles::promise_followers(const std::vector<int>& stage_of_rank) {
  for (std::size_t i = 1; i < members_.size(); ++i) {
    const auto rank = static_cast<Rank>(i);
    auto& m = members_[i];
    if (!follows(rank) || is_returning(rank)) continue;
    const auto& primary = member(m.primary);
    const bool goes =
        m.standing == Standing::retiring || (is_leaving(primary) && !primary.returning);
    m.next = goes ? stage_of_rank[i] : -1;
  }
}

void Roles::form_new(const std::vector<int>& stage_of_rank, const std::vector<Group>& wanted) {
  for (const auto& group : wanted) {
    if (group.size() < 2) continue;
    const int stage = stage_of_rank[static_cast<std::size_t>(group.front())];
    forming_.push_back({stage, group, false, {}});
  }
}

// A group of which one rank stays where it is will never be complete; its others have nowhere to
// go.
void Roles::drop_forming() {
  std::vector<bool> expected(members_.size(), false);
  std::erase_if(forming_, [&](const Forming& forming) {
    const auto all_come = std::all_of(forming.ranks.begin(), forming.ranks.end(), [&](Rank rank) {
      return forming.returning || comes_for(rank, forming.stage);
    });
    if (!all_come) return true;
    for (const Rank rank : forming.ranks) expected[static_cast<std::size_t>(rank)] = true;
    return false;
  });
  for (std::size_t rank = 1; rank < members_.size(); ++rank) {
    auto& m = members_[rank];
    if (group_size(sizes_, m.next) > 1 && !m.returning && !expected[rank]) m.next = -1;
    const bool is_kept = m.standing == Standing::following && !is_leaving(member(m.primary));
    if (is_kept) m.next = -1;
  }
}

void Roles::begin_formed(Commands& commands) {
  std::erase_if(forming_, [&](const Forming& forming) {
    const bool ended = stages_.at(static_cast<std::size_t>(forming.stage)).ended;
    const bool all_free =
        std::all_of(forming.ranks.begin(), forming.ranks.end(),
                    [this](Rank rank) { return member(rank).standing == Standing::none; });
    const GpuSeats::Worker worker{forming.ranks, forming.stage};
    const bool begins = ended || (all_free && seats_.take(worker, GpuSeats::Where::planned));
    if (begins) join(forming.ranks, forming.stage, forming.number, commands);
    return begins;
  });
}

// Their primary has left, and had them tear down before.
void Roles::dismiss_followers(const Group& group, Commands& commands) {
  for (const Rank rank : group) {
    auto& follower = member(rank);
    if (follower.standing != Standing::following) continue;
    follower.standing = Standing::retiring;
    const auto here = stage(follower).nodes.find(node_of(rank));
    if (here != stage(follower).nodes.end()) std::erase(here->second.waiting, rank);
    commands.push_back(Retire{rank});
  }
}

}  // namespace sluice::control
