#include "control/batch_plan.hpp"

#include <algorithm>
#include <cstddef>

namespace sluice::control {
namespace {

// Seconds that a stage takes for a record of the input.
double seconds(const StageDemand& stage, const StagePlan& plan, double reaching) {
  return reaching / (*stage.speed * static_cast<double>(plan.workers));
}

void predict(const std::vector<StageDemand>& stages, Plan& plan) {
  const auto reaching = flows(stages);
  double sum = 0;
  for (std::size_t k = 0; k < stages.size(); ++k) {
    if (!stages[k].speed) return;
    sum += seconds(stages[k], plan.stages[k], reaching[k]);
  }
  if (sum <= 0) return;
  plan.throughput = 1 / sum;
  for (std::size_t k = 0; k < stages.size(); ++k) {
    plan.stages[k].utilisation = seconds(stages[k], plan.stages[k], reaching[k]) / sum;
  }
  const auto longest =
      std::max_element(plan.stages.begin(), plan.stages.end(),
                       [](const auto& a, const auto& b) { return a.utilisation < b.utilisation; });
  plan.bottleneck = static_cast<std::size_t>(longest - plan.stages.begin());
}

}  // namespace

Plan make_batch_plan(const std::vector<StageDemand>& stages, const Topology& topology) {
  Plan plan;
  for (const auto& stage : stages) {
    // Without a speed it gets what fits; with one, no more than some throughput needs.
    auto alone = stage;
    alone.speed.reset();
    plan.stages.push_back(make_plan({alone}, topology).stages.front());
  }
  predict(stages, plan);
  return plan;
}

}  // namespace sluice::control
