#pragma once

#include "control/demand.hpp"
#include "control/groups.hpp"
#include "control/topology.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::control {

/// A part of a node's GPU: a whole one is a share of 1.
struct GpuShare {
  std::uint64_t gpu = 0;
  double share = 1;
};

/// A stage's workers on one node.
struct Share {
  std::size_t node = 0;
  std::uint64_t workers = 0;  ///< a group that spans nodes counts where its first rank is
  std::uint64_t ranks = 0;
  std::vector<GpuShare> gpus = {};  ///< in the order of the ranks, those of one rank together
};

struct StagePlan {
  std::uint64_t workers = 0;
  std::vector<Share> shares = {};  ///< by node
  double utilisation = 0;          ///< of the workers' time, at the plan's throughput; 0: not known
};

/// Allocation and placement together.
struct Plan {
  std::vector<StagePlan> stages;
  double throughput = 0;       ///< records of the input a second; 0 if a speed is not known
  std::size_t bottleneck = 0;  ///< the stage that limits it
};

/// How many workers each stage gets and where they sit, so that the pipeline's throughput is as
/// large as can be found. Stages of unknown speed get equal shares. Where the topology says how
/// many worker ranks there are, all of them get work as far as their nodes' resources go; else no
/// stage gets more workers than the throughput needs. From `current`, a plan for the same stages
/// and nodes, it moves as few workers as it can. docs/planning.md describes the method.
///
/// Throws LaunchError if not every stage can have its pinned number of workers, or one, saying what
/// is short.
Plan make_plan(const std::vector<StageDemand>& stages, const Topology& topology,
               const Plan* current = nullptr);

/// The same, with no plan to start from.
inline Plan plan_from_nothing(const std::vector<StageDemand>& stages, const Topology& topology) {
  return make_plan(stages, topology);
}

/// Workers that have to be started to get from one plan to the other.
std::uint64_t moves(const Plan& from, const Plan& to);

/// The stage of every rank: -1 for the coordinator, rank 0, and for ranks left over. Node n of the
/// plan is the one whose ranks have n in `node_of_rank`. Ranks keep their current stage as far as
/// the plan allows, and those of a group (control/groups.hpp) all of them or none.
std::vector<int> assign_ranks(const Plan& plan, const std::vector<int>& node_of_rank,
                              const std::vector<int>& current_stage_of_rank = {},
                              const std::vector<Rank>& current_primary_of_rank = {});

/// Ranks in one worker of each stage.
GroupSizes group_sizes(const std::vector<StageDemand>& stages);

}  // namespace sluice::control
