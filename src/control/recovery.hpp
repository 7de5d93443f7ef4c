#pragma once

#include "control/demand.hpp"
#include "control/plan.hpp"
#include "control/topology.hpp"
#include "control/types.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

namespace sluice::control {

/// Brings the ranks that are left after a loss to one point. Pure.
///
/// What a dead rank held, and what others had sent it or were to get from it, cannot be told apart
/// from the rest. So every rank lets go of all that it holds, and once all have, nothing of before
/// is under way any more: the run begins again with the inputs that are not done. That is an epoch;
/// records say in which one they were sent.
class Regrouping {
 public:
  /// `ranks`: in all, with the coordinator, which is always there.
  explicit Regrouping(std::size_t ranks) : ranks_(ranks) {}

  /// The rank is dead: a new epoch begins, of which all that are left are to be told. False if that
  /// was known.
  bool lose(Rank rank);
  /// The rank has let go of what it held, to begin with this epoch.
  void arrived(Rank rank, std::uint64_t epoch);
  /// Once, when the last one has.
  bool take_complete();

  std::uint64_t epoch() const { return epoch_; }
  bool under_way() const { return under_way_; }
  const std::set<Rank>& lost() const { return lost_; }
  bool is_lost(Rank rank) const { return lost_.contains(rank); }
  /// The workers that are left.
  std::vector<Rank> left() const;

 private:
  std::size_t ranks_;
  std::uint64_t epoch_ = 0;
  std::set<Rank> lost_;
  std::set<Rank> awaited_;
  bool under_way_ = false;
};

/// The stages of the ranks that are left: those that they have, as long as each stage has a worker,
/// or else what a new plan for them says. `left` is the machine without the lost ranks;
/// `stage_of_rank` as before the loss. The ranks of a group that has lost one have no stage, unless
/// a new plan gives them one; then `replanned` is that. Throws LaunchError if the ranks are too
/// few.
std::vector<int> stages_after_loss(const std::vector<StageDemand>& stages, const Topology& left,
                                   std::vector<int> node_of_rank, std::vector<int> stage_of_rank,
                                   const std::set<Rank>& lost,
                                   const std::vector<Rank>& primary_of_rank = {},
                                   std::optional<Plan>* replanned = nullptr);

}  // namespace sluice::control
