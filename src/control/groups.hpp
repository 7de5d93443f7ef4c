#pragma once

#include "control/types.hpp"

#include <cstdint>
#include <vector>

/// Which ranks work together as one worker (SPMD). Pure.
namespace sluice::control {

/// The ranks that make up one worker, by number. The first is the primary: the worker that others
/// see.
using Group = std::vector<Rank>;

/// Ranks in one worker of each stage; what is not listed has 1.
using GroupSizes = std::vector<std::uint64_t>;

std::uint64_t group_size(const GroupSizes& sizes, int stage);

/// The primary of every rank: itself for a rank that works alone, -1 for one without a stage, or
/// whose stage has too few others left for a group. Groups of `current` stay whole if all their
/// ranks keep their stage. Others are made within a node as far as its ranks go, and of those that
/// are left over so that each spans few nodes.
std::vector<Rank> form_groups(const std::vector<int>& stage_of_rank,
                              const std::vector<int>& node_of_rank, const GroupSizes& sizes,
                              const std::vector<Rank>& current = {});

/// By primary: the ranks that have it; of other ranks nothing.
std::vector<Group> groups_of(const std::vector<Rank>& primary_of_rank);

}  // namespace sluice::control
