#pragma once

#include "control/plan.hpp"

#include <string>
#include <vector>

namespace sluice::control {

/// How much of a resource the workers of a plan take, and how much the nodes have.
struct ResourceUse {
  std::string resource;  ///< "cpus", "gpus", "memory" (bytes)
  double used = 0;
  double there = 0;
};

/// Cpus; GPUs if there are any; memory if all nodes say how much they have.
std::vector<ResourceUse> resource_use(const std::vector<StageDemand>& stages,
                                      const Topology& topology, const Plan& plan);

/// A limit of the throughput that holds whatever the plan: a resource divided by what a record
/// takes of it, or what a stage with a pinned number of workers lets through.
struct Limit {
  std::string what;
  double throughput = 0;  ///< records of the input a second
};

/// The lowest first. Linear relaxation: as if workers could be divided. Every speed must be known.
std::vector<Limit> limits(const std::vector<StageDemand>& stages, const Topology& topology,
                          const Plan& plan);

using Planner = Plan (*)(const std::vector<StageDemand>& stages, const Topology& topology);

/// A change, and the throughput of the plan that it leads to.
struct Advice {
  std::string change;
  double throughput = 0;
  double gain = 0;  ///< of the throughput: 0.06 is 6%
};

/// What raises the throughput, most first: one more node of each sort, one GPU more, stages without
/// their pins, less of a resource for the stage that is the bottleneck, or more speed. Plans for
/// each of these as `planner` does. Every speed must be known.
std::vector<Advice> advise(const std::vector<StageDemand>& stages, const Topology& topology,
                           const Plan& plan, Planner planner = plan_from_nothing);

}  // namespace sluice::control
