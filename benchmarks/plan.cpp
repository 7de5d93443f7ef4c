// Planning time for 1,000 nodes × 240 cpus × 8 GPUs with 15 stages, and the moves of re-plans after
// small changes of a stage's speed, beside the workers that those stages lacked.

#include "control/plan.hpp"
#include "common/report.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <vector>

namespace {

using namespace sluice;
using control::Plan;
using control::StageDemand;

struct Shape {
  double cpus;
  double gpus;
  double speed;
};

std::vector<StageDemand> fifteen_stages() {
  constexpr Shape shapes[] = {{0.25, 0, 50},   {1, 0, 400},  {2, 0, 7},    {3, 0, 0.77},
                              {1, 0.25, 3.55}, {1, 1, 1.2},  {5, 0, 0.28}, {16, 0, 0.034},
                              {1, 4, 0.033},   {1, 0.5, 3},  {1, 2, 0.4},  {2, 0, 5},
                              {0.5, 0, 9},     {1, 1, 0.98}, {0.25, 0, 20}};
  std::vector<StageDemand> stages;
  for (const auto& shape : shapes) {
    StageDemand stage;
    stage.name = "stage-" + std::to_string(stages.size() + 1);
    stage.cpus = shape.cpus;
    stage.gpus = shape.gpus;
    stage.speed = shape.speed;
    stages.push_back(stage);
  }
  return stages;
}

template <class Body>
double seconds_of(Body body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double missing(const std::vector<StageDemand>& stages, const Plan& before, const Plan& after) {
  double sum = 0;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const double needed = std::ceil(after.throughput / *stages[i].speed * (1 - 1e-9));
    sum += std::max(0.0, needed - static_cast<double>(before.stages[i].workers));
  }
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Planning time and the moves of re-plans"};
  bool json = false;
  app.add_flag("--json", json, "Print JSON lines");
  CLI11_PARSE(app, argc, argv);

  const control::Topology topology{
      std::vector<control::Node>(1000, control::Node{"node", 240, 8, 0, {}})};
  const auto stages = fifteen_stages();
  Plan before;
  const double planning = seconds_of([&] { before = control::make_plan(stages, topology); });
  double slowest = 0;
  double moves = 0;
  double needed = 0;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    for (const double factor : {0.8, 0.95, 1.05, 1.25}) {
      auto changed = stages;
      *changed[i].speed *= factor;
      Plan after;
      slowest = std::max(
          slowest, seconds_of([&] { after = control::make_plan(changed, topology, &before); }));
      moves += static_cast<double>(control::moves(before, after));
      needed += missing(changed, before, after);
    }
  }
  using bench::Aim;
  bench::print(
      {{"plan: 1,000 nodes, 15 stages", planning * 1e3, "ms", bench::Target{Aim::at_most, 1e3}},
       {"plan: slowest of 60 re-plans", slowest * 1e3, "ms", bench::Target{Aim::at_most, 1e3}},
       {"plan: moves of 60 re-plans over those needed", moves / needed, "",
        bench::Target{Aim::at_most, 1.02}}},
      json);
  return 0;
}
