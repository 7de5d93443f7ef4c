#pragma once

#include "control/gpu_seats.hpp"
#include "control/topology.hpp"
#include "runtime/machine.hpp"

#include <sluice/run.hpp>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace sluice::runtime {

/// The nodes of a run, out of what their worker ranks say about them. Every one of those ranks can
/// be a worker: who starts more of them on a node than it has cores wants the cores shared, so a
/// node has as many cpus as worker ranks at least.
class RunTopology {
 public:
  /// A worker rank on node `node`.
  void add(int node, const std::string& host, const Machine& machine);

  /// One of the worker ranks there has died.
  void remove(int node) { --nodes_.at(static_cast<std::size_t>(node)).workers; }

  control::Topology topology() const;

  /// What ranks of the node call its GPUs, by their numbers in the topology.
  std::vector<std::string> gpus_of(int node) const;
  /// The numbers of those that a machine of the node shows.
  control::Gpus visible_on(int node, const Machine& machine) const;

 private:
  struct Seen {
    std::string host;
    std::set<std::uint32_t> cores;  ///< ranks may be bound to some each
    std::set<std::string> gpus;     ///< that is what ranks may be bound to, too
    std::uint64_t memory = 0;
    std::uint64_t gpu_memory = 0;
    std::uint64_t workers = 0;
  };
  std::vector<Seen> nodes_;
};

/// What a rank has to say about its machine: nothing if no stage asks for more than a core a
/// worker, since then the ranks limit the plan, and a run starts sooner.
Machine machine_for(const ErasedSpec& spec);

}  // namespace sluice::runtime
