#pragma once

#include "control/plan.hpp"
#include "runtime/simulation.hpp"

#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>
#include <vector>

/// Simulated runs for tests: stages that are nothing but service times.
namespace sluice::runtime::scenarios {

inline double normal(Random& random) {
  const double radius = std::sqrt(-2 * std::log(random.uniform()));
  return radius * std::cos(2 * std::numbers::pi * random.uniform());
}

/// Both have the given mean.
inline std::function<double(Random&)> fixed(double mean) {
  return [mean](Random&) { return mean; };
}
inline std::function<double(Random&)> lognormal(double mean, double sigma) {
  return [mean, sigma](Random& random) {
    return mean * std::exp(sigma * normal(random) - sigma * sigma / 2);
  };
}

/// Stages of the given mean service times, `workers` workers on nodes of 16.
inline Simulation simulation(const std::vector<double>& means, std::uint64_t workers,
                             std::uint64_t inputs) {
  Simulation result;
  for (std::size_t k = 0; k < means.size(); ++k) {
    auto& demand = result.demands.emplace_back();
    demand.name = "s" + std::to_string(k);
    result.channels.emplace_back();
    result.stages.push_back({fixed(means[k])});
  }
  for (std::uint64_t left = workers; left > 0;) {
    const auto here = std::min<std::uint64_t>(left, 16);
    auto& node = result.topology.nodes.emplace_back();
    node.name = "n" + std::to_string(result.topology.nodes.size() - 1);
    node.cpus = static_cast<double>(here);
    node.workers = here;
    left -= here;
  }
  result.inputs = inputs;
  return result;
}

inline void declare_speeds(Simulation& simulation, const std::vector<double>& means) {
  for (std::size_t k = 0; k < means.size(); ++k) simulation.demands[k].speed = 1 / means[k];
}

/// Records/s of the best fixed allocation.
inline double best_throughput(Simulation simulation, const std::vector<double>& means) {
  declare_speeds(simulation, means);
  return control::make_plan(simulation.demands, simulation.topology).throughput;
}

}  // namespace sluice::runtime::scenarios
