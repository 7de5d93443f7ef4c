#include "runtime/run_topology.hpp"

#include <algorithm>

namespace sluice::runtime {

void RunTopology::add(int node, const std::string& host, const Machine& machine) {
  const auto index = static_cast<std::size_t>(node);
  if (nodes_.size() <= index) nodes_.resize(index + 1);
  auto& seen = nodes_[index];
  seen.host = host;
  seen.cores.insert(machine.cores.begin(), machine.cores.end());
  seen.gpus = std::max(seen.gpus, machine.gpus);
  seen.memory = std::max(seen.memory, machine.memory);
  ++seen.workers;
}

control::Topology RunTopology::topology() const {
  control::Topology topology;
  for (const auto& seen : nodes_) {
    const auto cpus = std::max<std::uint64_t>(seen.cores.size(), seen.workers);
    topology.nodes.push_back(
        {seen.host, static_cast<double>(cpus), seen.gpus, seen.memory, seen.workers});
  }
  return topology;
}

Machine machine_for(const ErasedSpec& spec) {
  bool gpus = false;
  bool more_than_a_core = false;
  for (const auto& stage : spec.stages) {
    gpus = gpus || stage.spec.gpus > 0;
    more_than_a_core = more_than_a_core || stage.spec.cpus > 1 || stage.spec.memory > 0;
  }
  if (gpus) return this_machine(Detail::with_gpus);
  return more_than_a_core ? this_machine(Detail::without_gpus) : Machine{};
}

}  // namespace sluice::runtime
