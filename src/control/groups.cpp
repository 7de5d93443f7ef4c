#include "control/groups.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace sluice::control {
namespace {

/// Makes the groups of one stage.
class Forming {
 public:
  Forming(std::vector<Rank>& primaries, std::uint64_t size, int stage)
      : primaries_(primaries), size_(size), stage_(stage) {}

  void keep(const std::vector<int>& stage_of_rank, const std::vector<Group>& current) {
    for (const auto& group : current) {
      const bool whole =
          group.size() == size_ && std::all_of(group.begin(), group.end(), [&](Rank rank) {
            return stage_of_rank[static_cast<std::size_t>(rank)] == stage_;
          });
      if (whole) form(group);
    }
  }

  void within_nodes(const std::vector<int>& stage_of_rank, const std::vector<int>& node_of_rank) {
    for (std::size_t rank = 1; rank < stage_of_rank.size(); ++rank) {
      if (stage_of_rank[rank] != stage_ || primaries_[rank] >= 0) continue;
      auto& here = free_[node_of_rank[rank]];
      here.push_back(static_cast<Rank>(rank));
      if (here.size() == size_) form(std::exchange(here, {}));
    }
  }

  // The nodes with most ranks left over come first, so that the fewest are enough.
  void across_nodes() {
    std::vector<Group> left;
    for (auto& [node, ranks] : free_) left.push_back(std::move(ranks));
    const auto fewer = [](const Group& a, const Group& b) { return a.size() < b.size(); };
    std::uint64_t ranks = 0;
    for (const auto& each : left) ranks += each.size();
    for (; ranks >= size_; ranks -= size_) {
      Group group;
      while (group.size() < size_) {
        auto& most = *std::max_element(left.begin(), left.end(), fewer);
        const auto count = std::min<std::size_t>(most.size(), size_ - group.size());
        const auto end = most.begin() + static_cast<std::ptrdiff_t>(count);
        group.insert(group.end(), most.begin(), end);
        most.erase(most.begin(), end);
      }
      form(group);
    }
  }

 private:
  void form(const Group& group) {
    const auto primary = *std::min_element(group.begin(), group.end());
    for (const Rank rank : group) primaries_[static_cast<std::size_t>(rank)] = primary;
  }

  std::vector<Rank>& primaries_;
  std::uint64_t size_;
  int stage_;
  std::map<int, Group> free_;  ///< by node
};

}  // namespace

std::uint64_t group_size(const GroupSizes& sizes, int stage) {
  const auto k = static_cast<std::size_t>(stage);
  return stage < 0 || k >= sizes.size() ? 1 : sizes[k];
}

std::vector<Rank> form_groups(const std::vector<int>& stage_of_rank,
                              const std::vector<int>& node_of_rank, const GroupSizes& sizes,
                              const std::vector<Rank>& current) {
  std::vector<Rank> primaries(stage_of_rank.size(), -1);
  for (std::size_t rank = 1; rank < stage_of_rank.size(); ++rank) {
    const bool alone = stage_of_rank[rank] >= 0 && group_size(sizes, stage_of_rank[rank]) == 1;
    if (alone) primaries[rank] = static_cast<Rank>(rank);
  }
  const auto kept = groups_of(current);
  for (std::size_t stage = 0; stage < sizes.size(); ++stage) {
    if (sizes[stage] == 1) continue;
    Forming forming(primaries, sizes[stage], static_cast<int>(stage));
    forming.keep(stage_of_rank, kept);
    forming.within_nodes(stage_of_rank, node_of_rank);
    forming.across_nodes();
  }
  return primaries;
}

std::vector<Group> groups_of(const std::vector<Rank>& primary_of_rank) {
  std::vector<Group> groups(primary_of_rank.size());
  for (std::size_t rank = 0; rank < primary_of_rank.size(); ++rank) {
    const Rank primary = primary_of_rank[rank];
    if (primary >= 0)
      groups.at(static_cast<std::size_t>(primary)).push_back(static_cast<Rank>(rank));
  }
  return groups;
}

}  // namespace sluice::control
