#include "control/plan.hpp"

#include <sluice/error.hpp>

#include <algorithm>
#include <map>
#include <utility>

namespace sluice::control {
namespace {

/// Gives the ranks of one plan their stages.
class Assignment {
 public:
  Assignment(const Plan& plan, const std::vector<int>& node_of_rank)
      : node_of_rank_(node_of_rank), stage_of_rank_(node_of_rank.size(), -1) {
    for (std::size_t stage = 0; stage < plan.stages.size(); ++stage) {
      for (const auto& share : plan.stages[stage].shares) {
        wanted_[static_cast<int>(share.node)][static_cast<int>(stage)] += share.ranks;
      }
    }
  }

  /// Ranks of groups stay together or find something new.
  void keep(const std::vector<int>& current, const std::vector<Rank>& primaries) {
    std::vector<bool> in_group(stage_of_rank_.size(), false);
    for (const auto& group : groups_of(primaries)) {
      if (group.size() < 2) continue;
      for (const Rank rank : group) in_group[static_cast<std::size_t>(rank)] = true;
      keep_group(group, current[static_cast<std::size_t>(group.front())]);
    }
    keep_single(current, in_group);
  }

  void deal_the_rest() {
    for (std::size_t rank = 1; rank < stage_of_rank_.size(); ++rank) {
      if (stage_of_rank_[rank] >= 0) continue;
      auto& here = wanted_[node_of_rank_[rank]];
      const auto stage =
          std::find_if(here.begin(), here.end(), [](const auto& each) { return each.second > 0; });
      if (stage != here.end()) put(rank, *stage);
    }
    require_all_dealt();
  }

  std::vector<int> result() && { return std::move(stage_of_rank_); }

 private:
  void keep_group(const Group& group, int stage) {
    std::map<int, std::uint64_t> ranks;  // by node
    for (const Rank rank : group) ++ranks[node_of_rank_[static_cast<std::size_t>(rank)]];
    for (const auto& [node, count] : ranks) {
      const auto wanted = wanted_.find(node);
      if (wanted == wanted_.end()) return;
      const auto here = wanted->second.find(stage);
      if (here == wanted->second.end() || here->second < count) return;
    }
    for (const Rank rank : group) {
      const auto index = static_cast<std::size_t>(rank);
      put(index, *wanted_.at(node_of_rank_[index]).find(stage));
    }
  }

  void keep_single(const std::vector<int>& current, const std::vector<bool>& in_group) {
    const auto ranks = std::min(current.size(), stage_of_rank_.size());
    for (std::size_t rank = 1; rank < ranks; ++rank) {
      if (in_group[rank]) continue;
      const auto node = wanted_.find(node_of_rank_[rank]);
      if (node == wanted_.end()) continue;
      const auto stage = node->second.find(current[rank]);
      if (stage != node->second.end() && stage->second > 0) put(rank, *stage);
    }
  }

  void put(std::size_t rank, std::pair<const int, std::uint64_t>& wanted) {
    stage_of_rank_[rank] = wanted.first;
    --wanted.second;
  }

  void require_all_dealt() const {
    for (const auto& [node, stages] : wanted_) {
      for (const auto& [stage, left] : stages) {
        if (left == 0) continue;
        throw InvariantError("the plan puts more workers on node " + std::to_string(node) +
                             " than it has ranks");
      }
    }
  }

  const std::vector<int>& node_of_rank_;
  std::vector<int> stage_of_rank_;
  std::map<int, std::map<int, std::uint64_t>> wanted_;  ///< ranks by node and stage
};

}  // namespace

std::vector<int> assign_ranks(const Plan& plan, const std::vector<int>& node_of_rank,
                              const std::vector<int>& current_stage_of_rank,
                              const std::vector<Rank>& current_primary_of_rank) {
  Assignment assignment(plan, node_of_rank);
  assignment.keep(current_stage_of_rank, current_primary_of_rank);
  assignment.deal_the_rest();
  return std::move(assignment).result();
}

GroupSizes group_sizes(const std::vector<StageDemand>& stages) {
  GroupSizes sizes;
  for (const auto& stage : stages) sizes.push_back(stage.group);
  return sizes;
}

}  // namespace sluice::control
