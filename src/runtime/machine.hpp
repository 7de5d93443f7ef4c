#pragma once

#include "control/topology.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::runtime {

/// What this process may use of its node: the cores that the launcher or the batch system left it
/// (numbered as the system does, by their first hardware thread), GPUs, and bytes of memory.
struct Machine {
  std::vector<std::uint32_t> cores;
  std::vector<std::string> gpus;  ///< names as of `visible_gpus`
  std::uint64_t memory = 0;
  std::uint64_t gpu_memory = 0;  ///< of the smallest GPU; 0: not known

  template <class Archive>
  void serialize(Archive& archive) {
    archive(cores, gpus, memory, gpu_memory);
  }
};

/// Asks hwloc, and `visible_gpus`.
Machine this_machine();

/// Binds the calling thread, and threads that it starts later, to cores as `Machine` numbers them.
/// If the system refuses, it stays as it was.
void bind_this_thread(const std::vector<std::uint32_t>& cores);

/// The nodes that a run started here would have: those of mpirun, of srun or of the Slurm job if
/// there is one, taken to be like this node in what the environment doesn't say, else this node
/// alone.
control::Topology discover_topology();

/// "64(x2),32": a number for each node, as Slurm writes them; empty if it is not of that form.
std::vector<std::uint64_t> slurm_counts(std::string_view text);

}  // namespace sluice::runtime
