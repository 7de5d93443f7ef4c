#include "control/outlook.hpp"

#include <sluice/error.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <optional>
#include <tuple>

namespace sluice::control {
namespace {

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g", value);
  return text.data();
}

/// What one rank of a stage takes of a resource, and what a node has of it.
struct Resource {
  std::string name;
  double (*taken)(const StageDemand&);
  double (*had)(const Node&);
};

const std::array<Resource, 3> resources{
    {{"cpus", [](const StageDemand& s) { return s.cpus; }, [](const Node& n) { return n.cpus; }},
     {"gpus", [](const StageDemand& s) { return s.gpus; },
      [](const Node& n) { return static_cast<double>(n.gpus); }},
     {"memory", [](const StageDemand& s) { return static_cast<double>(s.memory); },
      [](const Node& n) { return static_cast<double>(n.memory); }}}};

double there(const Resource& resource, const Topology& topology) {
  double sum = 0;
  for (const auto& node : topology.nodes) sum += resource.had(node);
  return sum;
}

bool is_known(const Resource& resource, const Topology& topology) {
  if (resource.name == "gpus") return there(resource, topology) > 0;
  return std::all_of(topology.nodes.begin(), topology.nodes.end(),
                     [&](const Node& node) { return resource.had(node) > 0; });
}

double used(const Resource& resource, const std::vector<StageDemand>& stages, const Plan& plan) {
  double sum = 0;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const auto ranks = static_cast<double>(plan.stages[i].workers * stages[i].group);
    sum += ranks * resource.taken(stages[i]);
  }
  return sum;
}

// What is left of a resource beside the pinned stages, over what a record takes of it in the
// others.
std::optional<Limit> limit_of(const Resource& resource, const std::vector<StageDemand>& stages,
                              const Topology& topology, const Plan& plan) {
  const auto reaching = flows(stages);
  double left = there(resource, topology);
  double a_record = 0;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const auto& stage = stages[i];
    const double worker = resource.taken(stage) * static_cast<double>(stage.group);
    if (stage.pinned()) {
      left -= worker * static_cast<double>(plan.stages[i].workers);
    } else {
      a_record += worker * reaching[i] * stage.over_provision / *stage.speed;
    }
  }
  if (a_record <= 0) return std::nullopt;
  return Limit{number(left) + " " +
                   (resource.name == "memory" ? "bytes of memory" : resource.name) +
                   " for the stages without a pinned number of workers",
               left / a_record};
}

/// Plans for changes of the stages or the nodes.
class Adviser {
 public:
  Adviser(const std::vector<StageDemand>& stages, const Topology& topology, double throughput,
          Planner planner)
      : stages_(stages), topology_(topology), throughput_(throughput), planner_(planner) {}

  void try_topology(const std::string& change, const Topology& topology) {
    note(change, stages_, topology);
  }
  void try_stages(const std::string& change, const std::vector<StageDemand>& stages) {
    note(change, stages, topology_);
  }

  std::vector<Advice> best() && {
    std::stable_sort(found_.begin(), found_.end(),
                     [](const Advice& a, const Advice& b) { return a.gain > b.gain; });
    return std::move(found_);
  }

 private:
  void note(const std::string& change, const std::vector<StageDemand>& stages,
            const Topology& topology) {
    constexpr double least_gain = 0.0005;
    try {
      const auto throughput = planner_(stages, topology).throughput;
      const double gain = throughput / throughput_ - 1;
      if (gain >= least_gain) found_.push_back({change, throughput, gain});
    } catch (const LaunchError&) {
      // A change that makes the plan impossible is no advice.
    }
  }

  const std::vector<StageDemand>& stages_;
  const Topology& topology_;
  double throughput_;
  Planner planner_;
  std::vector<Advice> found_;
};

bool same_sort(const Node& a, const Node& b) {
  return std::tie(a.cpus, a.gpus, a.memory, a.workers) ==
         std::tie(b.cpus, b.gpus, b.memory, b.workers);
}

std::vector<std::size_t> one_of_each_sort(const Topology& topology) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < topology.nodes.size(); ++i) {
    const bool is_new = std::none_of(found.begin(), found.end(), [&](auto other) {
      return same_sort(topology.nodes[other], topology.nodes[i]);
    });
    if (is_new) found.push_back(i);
  }
  return found;
}

std::string sort_text(const Node& node) {
  auto text = "(" + number(node.cpus) + "c";
  if (node.gpus > 0) text += "," + std::to_string(node.gpus) + "g";
  return text + ")";
}

void try_nodes(Adviser& adviser, const Topology& topology) {
  for (const auto index : one_of_each_sort(topology)) {
    const auto& node = topology.nodes[index];
    auto more = topology;
    more.nodes.push_back(node);
    adviser.try_topology("one more node of " + sort_text(node), more);
    more = topology;
    more.nodes[index].cpus += 1;
    adviser.try_topology("one more core on a node of " + sort_text(node), more);
    if (node.gpus == 0) continue;
    more = topology;
    ++more.nodes[index].gpus;
    adviser.try_topology("one more GPU on a node of " + sort_text(node), more);
  }
}

void try_pins(Adviser& adviser, const std::vector<StageDemand>& stages) {
  for (std::size_t i = 0; i < stages.size(); ++i) {
    if (!stages[i].pinned()) continue;
    auto free = stages;
    free[i].workers.reset();
    free[i].workers_per_node.reset();
    adviser.try_stages("'" + stages[i].name + "' without a pinned number of workers", free);
  }
}

void try_bottleneck(Adviser& adviser, const std::vector<StageDemand>& stages, std::size_t slowest) {
  const auto& name = stages[slowest].name;
  auto other = stages;
  *other[slowest].speed *= 1.1;
  adviser.try_stages("'" + name + "' 10% faster", other);
  other = stages;
  other[slowest].cpus /= 2;
  adviser.try_stages("'" + name + "' on " + number(other[slowest].cpus) + " cpus, as fast as now",
                     other);
  other = stages;
  const double gpus = stages[slowest].gpus;
  other[slowest].gpus = gpus <= 1 ? gpus / 2 : std::floor(gpus / 2);
  if (gpus > 0) {
    adviser.try_stages("'" + name + "' on " + number(other[slowest].gpus) + " GPUs, as fast as now",
                       other);
  }
}

}  // namespace

std::vector<ResourceUse> resource_use(const std::vector<StageDemand>& stages,
                                      const Topology& topology, const Plan& plan) {
  std::vector<ResourceUse> all;
  for (const auto& resource : resources) {
    if (!is_known(resource, topology)) continue;
    all.push_back({resource.name, used(resource, stages, plan), there(resource, topology)});
  }
  return all;
}

std::vector<Limit> limits(const std::vector<StageDemand>& stages, const Topology& topology,
                          const Plan& plan) {
  std::vector<Limit> all;
  for (const auto& resource : resources) {
    if (!is_known(resource, topology)) continue;
    if (auto limit = limit_of(resource, stages, topology, plan)) all.push_back(*std::move(limit));
  }
  const auto reaching = flows(stages);
  for (std::size_t i = 0; i < stages.size(); ++i) {
    if (!stages[i].pinned()) continue;
    const auto workers = static_cast<double>(plan.stages[i].workers);
    all.push_back({"the " + number(workers) + " pinned workers of '" + stages[i].name + "'",
                   workers * *stages[i].speed / reaching[i]});
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Limit& a, const Limit& b) { return a.throughput < b.throughput; });
  return all;
}

std::vector<Advice> advise(const std::vector<StageDemand>& stages, const Topology& topology,
                           const Plan& plan, Planner planner) {
  Adviser adviser(stages, topology, plan.throughput, planner);
  try_nodes(adviser, topology);
  try_pins(adviser, stages);
  try_bottleneck(adviser, stages, plan.bottleneck);
  return std::move(adviser).best();
}

}  // namespace sluice::control
