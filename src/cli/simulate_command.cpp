#include "cli/commands.hpp"
#include "cli/simulation_text.hpp"
#include "control/gpu_share.hpp"
#include "control/plan.hpp"
#include "job/build.hpp"
#include "job/simulate.hpp"
#include "job/topology.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace sluice::cli {
namespace {

control::Topology one_node(std::size_t workers) {
  control::Node node;
  node.name = "node-0";
  node.cpus = static_cast<double>(workers);
  node.workers = workers;
  return {{node}};
}

// A node that does not say how many workers it has gets one a core, or more if the plan has more.
control::Topology described(const std::string& text,
                            const std::vector<control::StageDemand>& demands) {
  auto topology = job::topology_option(text);
  const auto plan = control::make_plan(control::with_gpu_memory(demands, topology), topology);
  std::vector<std::uint64_t> planned(topology.nodes.size(), 0);
  for (const auto& stage : plan.stages) {
    for (const auto& share : stage.shares) planned[share.node] += share.ranks;
  }
  for (std::size_t i = 0; i < topology.nodes.size(); ++i) {
    auto& node = topology.nodes[i];
    const auto cores = static_cast<std::uint64_t>(node.cpus);
    if (!node.workers) node.workers = std::max(cores, planned[i]);
  }
  return topology;
}

void require_ranks(const runtime::Simulation& simulation) {
  const auto ranks = runtime::nodes_of_ranks(simulation.topology).size();
  for (const auto& [rank, factor] : simulation.slow_ranks) {
    if (static_cast<std::size_t>(rank) < ranks) continue;
    throw UsageError(fmt::format("--slow-rank {}: the last rank is {}", rank, ranks - 1));
  }
}

// Real time, which differs from run to run, so it is kept out of the result.
void say_measured(const runtime::SimulationResult& result) {
  const double batches = static_cast<double>(std::max<std::uint64_t>(1, result.batches));
  const double control = result.control_seconds / batches;
  const double all = result.coordinator_share * result.seconds / batches;
  fmt::print(
      stderr,
      "measured: {:.2f} us a batch in the dispatchers on this machine; the simulation assumes "
      "that the coordinator spends {:.2f} us on a batch in all\n",
      1e6 * control, 1e6 * all);
}

}  // namespace

int simulate_job(const SimulateArguments& arguments) {
  const auto file = job::load_job(arguments.job.file, arguments.job.sets);
  auto registry = job::builtin_stages();
  const auto stages = job::build_stages(file, registry);
  auto simulation = job::build_simulation(file, stages);
  simulation.topology = arguments.topology.empty()
                            ? one_node(arguments.workers)
                            : described(arguments.topology, simulation.demands);
  simulation.demands = control::with_gpu_memory(simulation.demands, simulation.topology);
  simulation.seed = arguments.seed;
  if (arguments.inputs > 0) simulation.inputs = arguments.inputs;
  if (arguments.until > 0) simulation.until = arguments.until;
  simulation.handling = arguments.handling;
  simulation.link.latency = std::chrono::nanoseconds(std::llround(arguments.latency * 1e9));
  simulation.link.bandwidth = arguments.bandwidth;
  for (const auto& text : arguments.slow) {
    simulation.slow_downs.push_back(job::parse_slow_down(text, stages));
  }
  for (const auto& text : arguments.slow_ranks) {
    simulation.slow_ranks.insert(job::parse_slow_rank(text));
  }
  require_ranks(simulation);
  const auto result = runtime::simulate(simulation);
  const auto text = arguments.json ? json_of(file.name, simulation, result)
                                   : text_of(file.name, simulation, result);
  std::fputs(text.c_str(), stdout);
  say_measured(result);
  return 0;
}

}  // namespace sluice::cli
