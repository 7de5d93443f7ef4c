#include "runtime/run_topology.hpp"

#include <algorithm>
#include <iterator>

namespace sluice::runtime {

void RunTopology::add(int node, const std::string& host, const Machine& machine) {
  const auto index = static_cast<std::size_t>(node);
  if (nodes_.size() <= index) nodes_.resize(index + 1);
  auto& seen = nodes_[index];
  seen.host = host;
  seen.cores.insert(machine.cores.begin(), machine.cores.end());
  seen.gpus.insert(machine.gpus.begin(), machine.gpus.end());
  seen.memory = std::max(seen.memory, machine.memory);
  seen.gpu_memory = std::max(seen.gpu_memory, machine.gpu_memory);
  ++seen.workers;
}

control::Topology RunTopology::topology() const {
  control::Topology topology;
  for (const auto& seen : nodes_) {
    const auto cpus = std::max<std::uint64_t>(seen.cores.size(), seen.workers);
    topology.nodes.push_back({seen.host, static_cast<double>(cpus), seen.gpus.size(), seen.memory,
                              seen.workers, seen.gpu_memory});
  }
  return topology;
}

std::vector<std::string> RunTopology::gpus_of(int node) const {
  const auto& gpus = nodes_.at(static_cast<std::size_t>(node)).gpus;
  return {gpus.begin(), gpus.end()};
}

control::Gpus RunTopology::visible_on(int node, const Machine& machine) const {
  const auto& gpus = nodes_.at(static_cast<std::size_t>(node)).gpus;
  control::Gpus numbers;
  for (const auto& gpu : machine.gpus) {
    numbers.push_back(static_cast<std::uint32_t>(std::distance(gpus.begin(), gpus.find(gpu))));
  }
  return numbers;
}

Machine machine_for(const ErasedSpec& spec) {
  const auto asks = [](const ErasedStage& stage) {
    return stage.spec.gpus > 0 || stage.spec.cpus > 1 || stage.spec.memory > 0;
  };
  return std::any_of(spec.stages.begin(), spec.stages.end(), asks) ? this_machine() : Machine{};
}

}  // namespace sluice::runtime
