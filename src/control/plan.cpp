#include "control/plan.hpp"

#include "control/allocation.hpp"
#include "control/replan.hpp"

#include <algorithm>
#include <limits>
#include <map>

namespace sluice::control {
namespace {

Share share_of(const Alike& alike, const Unit& unit, std::size_t stage, std::size_t node) {
  Share share{node, alike.units[stage], alike.units[stage] * unit.ranks, {}};
  for (const auto gpu : alike.gpus[stage]) {
    share.gpus.push_back(
        {gpu, static_cast<double>(unit.gpu_size()) / static_cast<double>(one_gpu)});
  }
  return share;
}

// Ranks of a group that spans nodes are dealt out in the order of the nodes; the group counts where
// its first one is.
void count_spanning_groups(StagePlan& stage, std::uint64_t group) {
  std::uint64_t before = 0;
  for (auto& share : stage.shares) {
    const auto firsts = [&](std::uint64_t ranks) { return (ranks + group - 1) / group; };
    share.workers = firsts(before + share.ranks) - firsts(before);
    before += share.ranks;
  }
}

StagePlan stage_plan(const Problem& problem, const Allocation& allocation, std::size_t stage) {
  StagePlan plan;
  plan.workers = allocation.workers[stage];
  for (const auto& alike : allocation.packing) {
    if (alike.units[stage] == 0) continue;
    for (const auto node : alike.nodes) {
      plan.shares.push_back(share_of(alike, problem.units()[stage], stage, node));
    }
  }
  std::sort(plan.shares.begin(), plan.shares.end(),
            [](const Share& a, const Share& b) { return a.node < b.node; });
  if (problem.units_per_worker(stage) > 1) {
    count_spanning_groups(plan, problem.units_per_worker(stage));
  }
  return plan;
}

// Records of the input a second that each stage keeps up with.
std::vector<double> capacities(const std::vector<StageDemand>& stages, const Plan& plan) {
  const auto reaching = flows(stages);
  std::vector<double> result;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const double all = static_cast<double>(plan.stages[i].workers) * stages[i].speed.value_or(0);
    result.push_back(reaching[i] > 0 ? all / reaching[i] : std::numeric_limits<double>::infinity());
  }
  return result;
}

void predict(const std::vector<StageDemand>& stages, Plan& plan) {
  const auto each = capacities(stages, plan);
  const auto least = std::min_element(each.begin(), each.end());
  plan.throughput = *least;
  plan.bottleneck = static_cast<std::size_t>(least - each.begin());
  for (std::size_t i = 0; i < stages.size(); ++i) {
    if (each[i] > 0) plan.stages[i].utilisation = plan.throughput / each[i];
  }
}

}  // namespace

Plan make_plan(const std::vector<StageDemand>& stages, const Topology& topology,
               const Plan* current) {
  const Problem problem(stages, topology);
  auto allocation = allocate(problem);
  if (current != nullptr) allocation = replan(problem, *current, allocation);
  Plan plan;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    plan.stages.push_back(stage_plan(problem, allocation, i));
  }
  predict(stages, plan);
  return plan;
}

std::uint64_t moves(const Plan& from, const Plan& to) {
  std::uint64_t started = 0;
  for (std::size_t i = 0; i < to.stages.size(); ++i) {
    std::map<std::size_t, std::uint64_t> before;
    if (i < from.stages.size()) {
      for (const auto& share : from.stages[i].shares) before[share.node] += share.ranks;
    }
    for (const auto& share : to.stages[i].shares) {
      started += share.ranks - std::min(share.ranks, before[share.node]);
    }
  }
  return started;
}

}  // namespace sluice::control
