#include "runtime/machine.hpp"

#include "runtime/spec.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <hwloc.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <memory>
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
Hwloc look(Detail detail) {
  hwloc_topology_t raw = nullptr;
  if (hwloc_topology_init(&raw) != 0) return nullptr;
  Hwloc topology(raw);
  // Asks every core for its caches, at ten times the time of all the rest.
  hwloc_topology_set_components(raw, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, "x86");
  if (detail == Detail::with_gpus) {
    hwloc_topology_set_io_types_filter(raw, HWLOC_TYPE_FILTER_KEEP_IMPORTANT);
  }
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

std::uint64_t nvidia_devices(hwloc_topology_t topology) {
  constexpr unsigned nvidia = 0x10de;
  constexpr unsigned display_class = 0x03;
  std::uint64_t count = 0;
  for (hwloc_obj_t device = hwloc_get_next_pcidev(topology, nullptr); device != nullptr;
       device = hwloc_get_next_pcidev(topology, device)) {
    const auto& pci = device->attr->pcidev;
    if (pci.vendor_id == nvidia && pci.class_id >> 8U == display_class) ++count;
  }
  return count;
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

std::uint64_t gpus_here(hwloc_topology_t topology) {
  if (const auto visible = variable("CUDA_VISIBLE_DEVICES")) {
    if (visible->empty() || visible->front() == '-') return 0;
    return static_cast<std::uint64_t>(std::count(visible->begin(), visible->end(), ',') + 1);
  }
  if (const auto slurm = number_in("SLURM_GPUS_ON_NODE")) return *slurm;
  return topology == nullptr ? 0 : nvidia_devices(topology);
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
  const auto machine = this_machine(Detail::with_gpus);
  return {host_name(), static_cast<double>(machine.cores.size()), machine.gpus, machine.memory, {}};
}

// Under mpirun, ranks of which one coordinates; dealt out evenly as far as the variables tell.
void add_mpi_nodes(std::uint64_t ranks, std::uint64_t ranks_a_node, control::Topology& topology) {
  const auto node = this_node();
  for (std::uint64_t first = 0; first < ranks; first += ranks_a_node) {
    topology.nodes.push_back(node);
    auto& added = topology.nodes.back();
    if (first > 0) added.name = fmt::format("node-{}", topology.nodes.size() - 1);
    added.workers = std::min(ranks_a_node, ranks - first) - (first == 0 ? 1 : 0);
    added.cpus = std::max(added.cpus, static_cast<double>(*added.workers));
  }
}

}  // namespace

Machine this_machine(Detail detail) {
  const auto topology = look(detail);
  Machine machine;
  if (topology) machine.cores = cores_of(topology.get());
  if (machine.cores.empty()) {
    machine.cores.resize(std::max(1U, std::thread::hardware_concurrency()));
    for (std::uint32_t i = 0; i < machine.cores.size(); ++i) machine.cores[i] = i;
  }
  machine.gpus = gpus_here(topology.get());
  machine.memory = memory_here(topology.get());
  return machine;
}

void bind_this_thread(const std::vector<std::uint32_t>& cores) {
  const auto topology = look(Detail::without_gpus);
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
  control::Topology topology;
  const auto ranks = number_in("OMPI_COMM_WORLD_SIZE").value_or(1);
  if (ranks > 1) {
    const auto here = number_in("OMPI_COMM_WORLD_LOCAL_SIZE").value_or(ranks);
    add_mpi_nodes(ranks, std::clamp<std::uint64_t>(here, 1, ranks), topology);
    return topology;
  }
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
