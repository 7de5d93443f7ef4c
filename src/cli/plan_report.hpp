#pragma once

#include "control/channel_paths.hpp"
#include "control/outlook.hpp"
#include "control/plan.hpp"

#include <sluice/artifact.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice::cli {

/// Most that the channels store (DESIGN I5): an output batch of each producer and an input batch of
/// each consumer, over all channels.
struct MemoryBound {
  double records = 0;
  std::optional<double> bytes;  ///< if it is known how large each stage's outputs are
};

/// Everything that `sluice plan` says.
struct PlanReport {
  std::string job;
  bool batch = false;  ///< one stage after the other
  std::vector<control::StageDemand> stages;
  control::Topology topology;
  double reserved = 0;  ///< cores that its first node has besides
  control::Plan plan;
  std::optional<std::uint64_t> inputs;  ///< absent if the input cannot be read here
  std::string no_input;                 ///< why
  MemoryBound memory;
  std::vector<Artifact> artifacts;  ///< that each node gets first
  /// By the channel's consumer: how payloads get from device to device (control/channel_paths.hpp).
  std::map<std::size_t, std::map<control::Path, std::uint64_t>> device_paths;
  // These need every stage's speed.
  std::vector<control::Limit> limits;
  std::vector<control::Advice> advice;

  bool speeds_are_known() const { return plan.throughput > 0; }
};

struct PlanArguments;
PlanReport make_plan_report(const PlanArguments& arguments);

std::string plan_json(const PlanReport& report);
std::string plan_text(const PlanReport& report);
/// How the plan came about, step by step.
std::string plan_explanation(const PlanReport& report);

/// What is brought to each node, and where to: a line for each; empty if there are none.
std::string artifacts_list(const std::vector<Artifact>& artifacts);
/// "3 × (64 cpus, 8 GPUs)" and so on, a line for each sort of node.
std::string topology_text(const control::Topology& topology);

}  // namespace sluice::cli
