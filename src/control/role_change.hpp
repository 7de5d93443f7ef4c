#pragma once

#include "control/gpu_seats.hpp"
#include "control/groups.hpp"
#include "control/types.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace sluice::control {

/// Roles and groups of ranks before and after a decision.
struct RoleChange {
  const std::vector<int>& from;
  const std::vector<int>& to;
  std::vector<Rank> primary_before;
  std::vector<Rank> primary_after;
  std::vector<Group> groups_after;

  bool moves(std::size_t rank) const {
    return from[rank] != to[rank] || primary_before[rank] != primary_after[rank];
  }
  template <class Condition>
  bool any_of_group(std::size_t primary, Condition condition) const {
    const auto& group = groups_after[primary];
    return std::any_of(group.begin(), group.end(),
                       [&](Rank rank) { return condition(static_cast<std::size_t>(rank)); });
  }
};

/// Whether nobody waits in a circle. The last worker of a stage leaves when another is ready there;
/// that one may be such a last worker as well, or a group that one of them is to join, or wait for
/// GPUs that one of them has. `goes_on`: by stage, whether a worker stays.
bool can_be_carried_out(const RoleChange& change, std::vector<bool> goes_on, GpuSeats seats);

}  // namespace sluice::control
