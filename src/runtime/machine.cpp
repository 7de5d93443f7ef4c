#include "runtime/machine.hpp"

#include "gpu/nvml.hpp"
#include "runtime/gpus.hpp"
#include "runtime/spec.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <hwloc.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <numeric>
#include <optional>
#include <thread>
#include <type_traits>

namespace sluice::runtime {
namespace {

struct DestroyTopology {
  void operator()(hwloc_topology_t topology) const { hwloc_topology_destroy(topology); }
};
using Hwloc = std::unique_ptr<std::remove_pointer_t<hwloc_topology_t>, DestroyTopology>;

struct FreeBitmap {
  void operator()(hwloc_bitmap_t bitmap) const { hwloc_bitmap_free(bitmap); }
};
using Bitmap = std::unique_ptr<std::remove_pointer_t<hwloc_bitmap_t>, FreeBitmap>;

// Null if hwloc cannot look at this machine.
Hwloc look() {
  hwloc_topology_t raw = nullptr;
  if (hwloc_topology_init(&raw) != 0) return nullptr;
  Hwloc topology(raw);
  // Asks every core for its caches, at ten times the time of all the rest.
  hwloc_topology_set_components(raw, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, "x86");
  return hwloc_topology_load(raw) == 0 ? std::move(topology) : nullptr;
}

std::vector<std::uint32_t> cores_of(hwloc_topology_t topology) {
  const Bitmap bound(hwloc_bitmap_dup(hwloc_topology_get_allowed_cpuset(topology)));
  const Bitmap mine(hwloc_bitmap_alloc());
  if (hwloc_get_cpubind(topology, mine.get(), HWLOC_CPUBIND_PROCESS) == 0) {
    hwloc_bitmap_and(bound.get(), bound.get(), mine.get());
  }
  std::vector<std::uint32_t> cores;
  for (int i = 0; i < hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE); ++i) {
    const auto* core = hwloc_get_obj_by_type(topology, HWLOC_OBJ_CORE, static_cast<unsigned>(i));
    if (hwloc_bitmap_intersects(core->cpuset, bound.get()) != 0) {
      cores.push_back(static_cast<std::uint32_t>(hwloc_bitmap_first(core->cpuset)));
    }
  }
  return cores;
}

std::optional<std::string_view> variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string_view>(value);
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole ? std::optional(value) : std::nullopt;
}

std::optional<std::uint64_t> number_in(const char* name) {
  const auto text = variable(name);
  return text ? number(*text) : std::nullopt;
}

// The least of what the machine has, its cgroup allows, and Slurm gave the job.
std::uint64_t memory_here(hwloc_topology_t topology) {
  auto memory = topology == nullptr ? 0 : hwloc_get_root_obj(topology)->total_memory;
  const auto limit = [&](std::optional<std::uint64_t> bytes) {
    if (bytes && *bytes > 0 && (memory == 0 || *bytes < memory)) memory = *bytes;
  };
  std::string text;
  if (std::ifstream("/sys/fs/cgroup/memory.max") >> text) limit(number(text));
  if (const auto megabytes = number_in("SLURM_MEM_PER_NODE")) limit(*megabytes << 20U);
  return memory;
}

control::Node this_node() {
  const auto machine = this_machine();
  return {host_name(),
          static_cast<double>(machine.cores.size()),
          machine.gpus.size(),
          machine.memory,
          {},
          machine.gpu_memory};
}

// How many ranks each node has, under mpirun and srun; empty without one. mpirun tells of this node
// alone, so they count as dealt out evenly.
std::vector<std::uint64_t> ranks_by_node() {
  const auto ranks = number_in("OMPI_COMM_WORLD_SIZE");
  if (!ranks) {
    const auto tasks = slurm_counts(variable("SLURM_STEP_TASKS_PER_NODE").value_or(""));
    const auto all = std::accumulate(tasks.begin(), tasks.end(), std::uint64_t{0});
    return all > 1 ? tasks : std::vector<std::uint64_t>();
  }
  std::vector<std::uint64_t> counts;
  const auto here = number_in("OMPI_COMM_WORLD_LOCAL_SIZE").value_or(*ranks);
  const auto each = std::clamp<std::uint64_t>(here, 1, std::max<std::uint64_t>(*ranks, 1));
  for (std::uint64_t first = 0; *ranks > 1 && first < *ranks; first += each) {
    counts.push_back(std::min(each, *ranks - first));
  }
  return counts;
}

// One of the ranks coordinates.
control::Topology topology_of(const std::vector<std::uint64_t>& ranks) {
  control::Topology topology;
  const auto node = this_node();
  for (const auto count : ranks) {
    const bool first = topology.nodes.empty();
    topology.nodes.push_back(node);
    auto& added = topology.nodes.back();
    if (!first) added.name = fmt::format("node-{}", topology.nodes.size() - 1);
    added.workers = count - (first ? 1 : 0);
    added.cpus = std::max(added.cpus, static_cast<double>(*added.workers));
  }
  return topology;
}

}  // namespace

Machine this_machine() {
  const auto topology = look();
  Machine machine;
  if (topology) machine.cores = cores_of(topology.get());
  if (machine.cores.empty()) {
    machine.cores.resize(std::max(1U, std::thread::hardware_concurrency()));
    for (std::uint32_t i = 0; i < machine.cores.size(); ++i) machine.cores[i] = i;
  }
  machine.gpus = visible_gpus();
  if (!machine.gpus.empty()) machine.gpu_memory = gpu::memory_of_smallest();
  machine.memory = memory_here(topology.get());
  return machine;
}

void bind_this_thread(const std::vector<std::uint32_t>& cores) {
  const auto topology = look();
  if (!topology) return;
  const Bitmap set(hwloc_bitmap_alloc());
  for (int i = 0; i < hwloc_get_nbobjs_by_type(topology.get(), HWLOC_OBJ_CORE); ++i) {
    const auto* core =
        hwloc_get_obj_by_type(topology.get(), HWLOC_OBJ_CORE, static_cast<unsigned>(i));
    const auto first = static_cast<std::uint32_t>(hwloc_bitmap_first(core->cpuset));
    if (std::find(cores.begin(), cores.end(), first) != cores.end()) {
      hwloc_bitmap_or(set.get(), set.get(), core->cpuset);
    }
  }
  if (hwloc_bitmap_iszero(set.get()) == 0) {
    hwloc_set_cpubind(topology.get(), set.get(), HWLOC_CPUBIND_THREAD);
  }
}

std::vector<std::uint64_t> slurm_counts(std::string_view text) {
  std::vector<std::uint64_t> counts;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    auto part = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    std::uint64_t times = 1;
    if (const auto repeated = part.find("(x"); repeated != std::string_view::npos) {
      const auto inside = part.substr(repeated + 2);
      const auto value = number(inside.substr(0, inside.size() - (inside.empty() ? 0 : 1)));
      if (!value || *value > 100'000) return {};
      times = *value;
      part = part.substr(0, repeated);
    }
    const auto value = number(part);
    if (!value || *value == 0) return {};
    counts.insert(counts.end(), times, *value);
  }
  return counts;
}

control::Topology discover_topology() {
  if (const auto ranks = ranks_by_node(); !ranks.empty()) return topology_of(ranks);
  control::Topology topology;
  const auto node = this_node();
  for (const auto cpus : slurm_counts(variable("SLURM_JOB_CPUS_PER_NODE").value_or(""))) {
    topology.nodes.push_back(node);
    topology.nodes.back().cpus = static_cast<double>(cpus);
    topology.nodes.back().name = fmt::format("node-{}", topology.nodes.size() - 1);
  }
  if (topology.nodes.empty()) topology.nodes.push_back(node);
  return topology;
}

}  // namespace sluice::runtime
