#include "control/shortage.hpp"

#include <sluice/error.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <numeric>
#include <string>

namespace sluice::control {
namespace {

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6g", value);
  return text.data();
}

std::string bytes(std::uint64_t count) {
  const auto of = [&](double unit, const char* name) {
    return number(static_cast<double>(count) / unit) + name;
  };
  if (count >= 1U << 30U) return of(0x1p30, " GiB");
  return count >= 1U << 20U ? of(0x1p20, " MiB") : number(static_cast<double>(count)) + " bytes";
}

std::string plural(std::uint64_t count, const std::string& word) {
  return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

std::string asked_by(const StageDemand& stage) {
  std::string text = number(stage.cpus) + " cpus";
  if (stage.gpus > 0) text += " and " + number(stage.gpus) + " GPUs";
  if (stage.memory > 0) text += " and " + bytes(stage.memory) + " of memory";
  return text + (stage.group > 1 ? " for each rank" : " for each worker");
}

std::string size_of(const Node& node) {
  std::string text = number(node.cpus) + " cpus, " + plural(node.gpus, "GPU");
  if (node.memory > 0) text += ", " + bytes(node.memory) + " of memory";
  return text;
}

const Node& largest(const StageDemand& stage, const Topology& topology) {
  return *std::max_element(topology.nodes.begin(), topology.nodes.end(),
                           [&](const Node& a, const Node& b) {
                             if (stage.gpus > 0 && a.gpus != b.gpus) return a.gpus < b.gpus;
                             return a.cpus < b.cpus;
                           });
}

std::string each_of(const std::vector<StageDemand>& stages, const Counts& counts) {
  std::string each;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    each += (i == 0 ? "" : ", ") + stages[i].name + " " + std::to_string(counts[i]);
  }
  return each;
}

Counts least_ranks(const std::vector<StageDemand>& stages, std::uint64_t nodes) {
  Counts counts;
  for (const auto& stage : stages) {
    const auto pinned = stage.workers_per_node ? *stage.workers_per_node * nodes : 1;
    counts.push_back(stage.workers.value_or(pinned) * stage.group);
  }
  return counts;
}

/// What all stages together ask of one resource, and what all nodes have.
struct Balance {
  std::string resource;
  double wanted = 0;
  double there = 0;
};

std::array<Balance, 3> balances(const std::vector<StageDemand>& stages, const Topology& topology,
                                const Counts& least) {
  std::array<Balance, 3> all{{{"cpus"}, {"GPUs"}, {"bytes of memory"}}};
  bool memory_is_known = true;
  for (const auto& node : topology.nodes) {
    all[0].there += node.cpus;
    all[1].there += static_cast<double>(node.gpus);
    all[2].there += static_cast<double>(node.memory);
    memory_is_known = memory_is_known && node.memory > 0;
  }
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const auto ranks = static_cast<double>(least[i] * stages[i].group);
    all[0].wanted += ranks * stages[i].cpus;
    all[1].wanted += ranks * stages[i].gpus;
    if (memory_is_known) all[2].wanted += ranks * static_cast<double>(stages[i].memory);
  }
  return all;
}

}  // namespace

void require_ranks(const std::vector<StageDemand>& stages, const Topology& topology) {
  std::uint64_t workers = 0;
  std::uint64_t nodes = 0;
  for (const auto& node : topology.nodes) {
    if (!node.workers) return;
    workers += *node.workers;
    nodes += *node.workers > 0 ? 1 : 0;
  }
  const auto least = least_ranks(stages, nodes);
  const auto needed = std::accumulate(least.begin(), least.end(), std::uint64_t{0});
  if (needed <= workers) return;
  throw LaunchError("too few ranks: the stages need at least " + plural(needed, "worker") + " (" +
                    each_of(stages, least) + "), and there are " + std::to_string(workers) +
                    ". Start at least " + std::to_string(needed + 1) +
                    " ranks (one coordinates; `mpirun -n " + std::to_string(needed + 1) +
                    " …`, `srun -n " + std::to_string(needed + 1) + " …`, or `--workers " +
                    std::to_string(needed) + "` without a launcher), or pin fewer workers.");
}

void throw_fits_no_node(const StageDemand& stage, const Topology& topology) {
  if (topology.nodes.empty()) throw LaunchError("the topology has no nodes: give it at least one");
  throw LaunchError("stage '" + stage.name + "' fits no node: it asks for " + asked_by(stage) +
                    ", and the largest node, '" + largest(stage, topology).name + "', has " +
                    size_of(largest(stage, topology)) +
                    ". Ask for less in the stage's cpus, gpus and memory, or use larger nodes.");
}

void throw_pin_does_not_fit(const StageDemand& stage, const Node& node) {
  const auto ranks = node.workers ? ", " + plural(*node.workers, "worker rank") : std::string();
  throw LaunchError("stage '" + stage.name + "' asks for " +
                    plural(stage.workers_per_node.value_or(0), "worker") +
                    " on every node, but there is no room for them on node '" + node.name +
                    "', which has " + size_of(node) + ranks +
                    " for all stages; the stage asks for " + asked_by(stage) +
                    ". Start more ranks on each node, or lower workers_per_node.");
}

void throw_no_room(const std::vector<StageDemand>& stages, const Topology& topology,
                   const Counts& least) {
  const auto start = "the stages need at least " + each_of(stages, least) + " workers, and ";
  for (const auto& [resource, wanted, there] : balances(stages, topology, least)) {
    if (wanted <= there) continue;
    throw LaunchError(start + "these ask for " + number(wanted) + " " + resource + ", but all " +
                      plural(topology.nodes.size(), "node") + " together have " + number(there) +
                      ". Ask for less, pin fewer workers, or use more nodes.");
  }
  throw LaunchError(start +
                    "though all nodes together have enough cpus, GPUs and memory, no way was found "
                    "to place these whole on the nodes. Ask for less, pin fewer workers, or use "
                    "more or larger nodes.");
}

}  // namespace sluice::control
