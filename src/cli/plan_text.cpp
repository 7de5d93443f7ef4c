#include "base/text_width.hpp"
#include "cli/plan_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sluice::cli {
namespace {

std::string bytes_text(double bytes) {
  constexpr double kilo = 1024;
  if (bytes < kilo * kilo) return fmt::format("{:.4g} KiB", bytes / kilo);
  if (bytes < kilo * kilo * kilo) return fmt::format("{:.4g} MiB", bytes / (kilo * kilo));
  return fmt::format("{:.4g} GiB", bytes / (kilo * kilo * kilo));
}

std::string duration_text(double seconds) {
  if (seconds < 120) return fmt::format("{:.3g} s", seconds);
  if (seconds < 7200) return fmt::format("{:.3g} min", seconds / 60);
  return fmt::format("{:.4g} h", seconds / 3600);
}

std::string node_text(const control::Node& node) {
  auto text = fmt::format("({:g} cpus", node.cpus);
  if (node.gpus > 0) text += fmt::format(", {} GPUs", node.gpus);
  if (node.memory > 0) text += ", " + bytes_text(static_cast<double>(node.memory));
  if (node.workers) text += fmt::format(", {} worker ranks", *node.workers);
  return text + ")";
}

// "node-0…node-8: 2 each, node-9: 1": neighbours with the same number are told together.
std::string places_text(const PlanReport& report, const control::StagePlan& stage) {
  constexpr std::size_t most = 4;
  std::string text;
  std::size_t told = 0;
  const auto& shares = stage.shares;
  for (std::size_t i = 0; i < shares.size();) {
    auto end = i + 1;
    while (end < shares.size() && shares[end].node == shares[end - 1].node + 1 &&
           shares[end].ranks == shares[i].ranks) {
      ++end;
    }
    if (told++ == most) return text + ", …";
    const auto& first = report.topology.nodes[shares[i].node].name;
    const auto& last = report.topology.nodes[shares[end - 1].node].name;
    text += fmt::format("{}{} on {}{}{}", text.empty() ? "" : ", ", shares[i].ranks,
                        end - i > 1 ? "each of " : "", first, end - i > 1 ? "…" + last : "");
    i = end;
  }
  return text;
}

std::string stage_line(const PlanReport& report, std::size_t i, std::size_t width) {
  const auto& stage = report.stages[i];
  const auto& plan = report.plan.stages[i];
  const auto speed = stage.speed ? fmt::format("{:g}/s", *stage.speed) : std::string("unknown");
  const auto use =
      report.speeds_are_known() ? fmt::format("{:.0f}%", 100 * plan.utilisation) : std::string("-");
  return fmt::format("  {}  {:>7}  {:>9}  {:>4}  {}\n", fitted(stage.name, width), plan.workers,
                     speed, use, places_text(report, plan));
}

std::string stages_table(const PlanReport& report) {
  std::size_t width = 5;
  for (const auto& stage : report.stages) width = std::max(width, cells(stage.name));
  auto text = fmt::format("  {:<{}}  {:>7}  {:>9}  {:>4}  {}\n", "stage", width, "workers", "speed",
                          report.batch ? "time" : "busy", "ranks");
  for (std::size_t i = 0; i < report.stages.size(); ++i) text += stage_line(report, i, width);
  return text;
}

std::string unknown_speeds(const PlanReport& report) {
  std::string names;
  for (const auto& stage : report.stages) {
    if (stage.speed) continue;
    names += fmt::format("{}'{}'", names.empty() ? "" : ", ", stage.name);
  }
  return names;
}

std::string prediction(const PlanReport& report) {
  if (!report.speeds_are_known()) {
    return fmt::format(
        "throughput: not predicted, since the speed of {} is not declared; stages of unknown speed "
        "get equal shares of workers\n",
        unknown_speeds(report));
  }
  auto text = fmt::format("throughput: {:.4g} records/s; {} '{}'\n", report.plan.throughput,
                          report.batch ? "most of the time goes to" : "the bottleneck is",
                          report.stages[report.plan.bottleneck].name);
  if (report.inputs) {
    text += fmt::format("time for the input: {} for {} records, set-up apart\n",
                        duration_text(static_cast<double>(*report.inputs) / report.plan.throughput),
                        *report.inputs);
  }
  return text;
}

// In batch mode the stages do not share them.
std::string resources(const PlanReport& report) {
  if (report.batch) return {};
  std::string text;
  for (const auto& use : control::resource_use(report.stages, report.topology, report.plan)) {
    const bool memory = use.resource == "memory";
    text += fmt::format("{}{} {} of {} ({:.0f}%)", text.empty() ? "in use: " : ", ", use.resource,
                        memory ? bytes_text(use.used) : fmt::format("{:g}", use.used),
                        memory ? bytes_text(use.there) : fmt::format("{:g}", use.there),
                        use.there > 0 ? 100 * use.used / use.there : 0);
  }
  return text + "\n";
}

std::string memory_text(const PlanReport& report) {
  if (report.batch) return "stored between stages: in the store, and next to nothing in memory\n";
  const auto& memory = report.memory;
  auto text = fmt::format("stored between stages: at most {:g} records", memory.records);
  if (memory.bytes) text += ", " + bytes_text(*memory.bytes);
  return text + "\n";
}

std::string paths_text(const PlanReport& report) {
  std::string text;
  for (const auto& [k, paths] : report.device_paths) {
    text += fmt::format("from GPU to GPU, '{}' to '{}':", report.stages[k - 1].name,
                        report.stages[k].name);
    std::string_view comma;
    for (const auto& [path, pairs] : paths) {
      text += fmt::format("{} {} pairs by {}", comma, pairs, control::name_of(path));
      comma = ",";
    }
    text += "\n";
  }
  return text;
}

std::string advice_text(const PlanReport& report) {
  constexpr std::size_t most = 6;
  if (!report.speeds_are_known()) return {};
  if (report.advice.empty()) return "nothing small that was tried would raise the throughput\n";
  std::string text = "what would raise the throughput:\n";
  for (std::size_t i = 0; i < std::min(most, report.advice.size()); ++i) {
    const auto& advice = report.advice[i];
    text += fmt::format("  {}: +{:.1f}%, {:.4g} records/s\n", advice.change, 100 * advice.gain,
                        advice.throughput);
  }
  return text;
}

}  // namespace

std::string topology_text(const control::Topology& topology) {
  std::vector<std::pair<std::string, std::size_t>> sorts;
  for (const auto& node : topology.nodes) {
    const auto text = node_text(node);
    const auto known = std::find_if(sorts.begin(), sorts.end(),
                                    [&](const auto& sort) { return sort.first == text; });
    if (known == sorts.end()) {
      sorts.emplace_back(text, 1);
    } else {
      ++known->second;
    }
  }
  std::string text;
  for (const auto& [sort, count] : sorts) {
    text += fmt::format("{}{} × {}", text.empty() ? "" : " + ", count, sort);
  }
  return text;
}

std::string artifacts_list(const std::vector<Artifact>& artifacts) {
  std::string text = artifacts.empty() ? "" : "brought to each node before its stages begin:\n";
  for (const auto& artifact : artifacts) {
    text += fmt::format("  {} -> {}{}{}\n", artifact.uri, artifact.dest,
                        artifact.unpack ? ", unpacked" : "",
                        artifact.sha256.empty() ? "" : ", checked against its sha256");
  }
  return text;
}

std::string plan_text(const PlanReport& report) {
  auto text = fmt::format("{} on {}{}\n", report.job, topology_text(report.topology),
                          report.batch ? ", one stage after the other" : "");
  text += stages_table(report) + prediction(report);
  if (!report.no_input.empty()) {
    text += fmt::format("the input could not be read here: {}\n", report.no_input);
  }
  return text + resources(report) + memory_text(report) + paths_text(report) +
         artifacts_list(report.artifacts) + advice_text(report);
}

}  // namespace sluice::cli
