#pragma once

#include "control/packing.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace sluice::control {

/// What the stages ask for and what the nodes have, in the numbers that the search works with.
/// Throws LaunchError if a stage fits no node, or the pinned numbers of workers have no room.
class Problem {
 public:
  Problem(const std::vector<StageDemand>& stages, const Topology& topology);

  const std::vector<StageDemand>& stages() const { return stages_; }
  const Topology& topology() const { return topology_; }
  std::size_t size() const { return stages_.size(); }

  const std::vector<Unit>& units() const { return units_; }
  /// Units that make up one worker: 1, or the ranks of a group that no node can hold.
  std::uint64_t units_per_worker(std::size_t stage) const { return pieces_[stage]; }
  Counts units_of(const Counts& workers) const;

  /// Records of the input a second that one worker of the stage keeps up with, over-provision taken
  /// off; infinite if no record reaches the stage.
  double reach(std::size_t stage) const { return reaches_[stage]; }

  /// The nodes with the workers that are pinned per node, and no others.
  const Packing& start() const { return start_; }
  /// Pinned numbers of workers, and one for every other stage.
  const Counts& least() const { return least_; }
  bool ranks_are_given() const;

 private:
  void choose_units();
  void pin_per_node(std::size_t stage);

  const std::vector<StageDemand>& stages_;
  const Topology& topology_;
  std::vector<Unit> units_;
  Counts pieces_;
  std::vector<double> reaches_;
  Packing start_;
  Counts least_;
};

}  // namespace sluice::control
