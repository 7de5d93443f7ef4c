#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::control {

/// What a stage asks of the plan.
struct StageDemand {
  std::string name;
  std::optional<double> speed;  ///< records/s of one worker
  std::optional<std::uint64_t> workers;
  std::optional<std::uint64_t> workers_per_node;
};

/// How many workers each stage gets of `workers` on `nodes` nodes: pinned counts first, one for
/// every other stage, then stages without a declared speed get an equal share and the others share
/// the rest so that the least `workers × speed` is as large as can be, which makes workers
/// inversely proportional to speed. Throws LaunchError if `workers` are too few, saying how many
/// are needed.
std::vector<std::uint64_t> allocate(const std::vector<StageDemand>& stages, std::uint64_t workers,
                                    std::uint64_t nodes);

/// The stage of every rank, -1 for the coordinator and for ranks left over. Stages pinned per node
/// get their ranks on each node; the others are spread so that every node holds its share of each.
std::vector<int> place(const std::vector<StageDemand>& stages,
                       const std::vector<std::uint64_t>& allocation,
                       const std::vector<int>& node_of_rank);

}  // namespace sluice::control
