#include "cli/plan_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace sluice::cli {
namespace {

std::string asks(const control::StageDemand& stage) {
  auto text = fmt::format("{:g} cpus", stage.cpus);
  if (stage.gpus > 0) text += fmt::format(", {:g} GPUs", stage.gpus);
  if (stage.memory > 0)
    text += fmt::format(", {:g} GiB", static_cast<double>(stage.memory) / 0x1p30);
  if (stage.group > 1) text += fmt::format(", for each of {} ranks", stage.group);
  return text;
}

std::string pin_text(const control::StageDemand& stage) {
  if (stage.workers) return fmt::format("; pinned to {} workers", *stage.workers);
  if (stage.workers_per_node) return fmt::format("; pinned to {} a node", *stage.workers_per_node);
  return {};
}

std::string stage_text(const control::StageDemand& stage, double reaching) {
  auto text = fmt::format("   {}: a worker takes {}", stage.name, asks(stage));
  if (!stage.speed) return text + "; its speed is not known" + pin_text(stage) + "\n";
  text += fmt::format(", does {:g} records/s", *stage.speed);
  if (reaching != 1) text += fmt::format("; {:g} records reach it for each input", reaching);
  if (stage.over_provision != 1)
    text += fmt::format("; over-provided {:g} times", stage.over_provision);
  return text + fmt::format("; keeps up with {:.4g} inputs/s", *stage.speed / reaching) +
         pin_text(stage) + "\n";
}

// What each stage needs for a throughput.
double needed(const control::StageDemand& stage, double reaching, double throughput) {
  const double workers =
      std::ceil(throughput * reaching * stage.over_provision / *stage.speed * (1 - 1e-9));
  return std::max(workers, 1.0);
}

// The throughput that one more worker, or one more for each of several stages, would give.
double next_throughput(const PlanReport& report, const std::vector<double>& reaching) {
  double next = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < report.stages.size(); ++i) {
    const auto& stage = report.stages[i];
    const double one = *stage.speed / reaching[i] / stage.over_provision;
    const double mine = one * static_cast<double>(report.plan.stages[i].workers);
    const bool limits = mine <= report.plan.throughput / stage.over_provision * (1 + 1e-9);
    next = std::min(next, limits && !stage.pinned() ? mine + one : next);
  }
  return next;
}

std::string why_not_more(const PlanReport& report) {
  const auto reaching = control::flows(report.stages);
  const double next = next_throughput(report, reaching);
  const auto& bottleneck = report.stages[report.plan.bottleneck];
  if (bottleneck.pinned()) {
    return fmt::format("   more is of no use: the workers of '{}' are pinned\n", bottleneck.name);
  }
  if (!std::isfinite(next)) return {};
  std::string text = fmt::format("   the next step, {:.4g} records/s, would take", next);
  auto more = report.plan;
  for (std::size_t i = 0; i < report.stages.size(); ++i) {
    const auto& stage = report.stages[i];
    if (stage.pinned()) continue;
    more.stages[i].workers = static_cast<std::uint64_t>(needed(stage, reaching[i], next));
  }
  bool short_of_one = false;
  for (const auto& use : control::resource_use(report.stages, report.topology, more)) {
    text += fmt::format(" {:g} of {:g} {},", use.used, use.there, use.resource);
    short_of_one = short_of_one || use.used > use.there * (1 + 1e-9);
  }
  text.back() = ';';
  return text + (short_of_one ? " there is not that much\n"
                              : " no way was found to place these whole on the nodes\n");
}

}  // namespace

std::string plan_explanation(const PlanReport& report) {
  std::string text =
      fmt::format("1. The nodes: {}.\n2. The stages:\n", topology_text(report.topology));
  const auto reaching = control::flows(report.stages);
  for (std::size_t i = 0; i < report.stages.size(); ++i) {
    text += stage_text(report.stages[i], reaching[i]);
  }
  if (report.batch) {
    return text +
           "3. Stages run one after the other (batch mode), so each got all the workers that fit, "
           "or its pinned number.\n4. The run's time is the sum of theirs.\n\n";
  }
  text += "3. Pinned stages got their workers, every other stage one.\n";
  if (!report.speeds_are_known()) {
    return text +
           "4. Not every speed is known, so stages without one got equal shares, and the "
           "others what makes their slowest as fast as can be.\n\n";
  }
  text += "4. Limits that no plan can pass, as if workers could be divided:\n";
  for (const auto& limit : report.limits) {
    text += fmt::format("   {}: {:.4g} records/s\n", limit.what, limit.throughput);
  }
  text += fmt::format(
      "5. The highest throughput with whole workers on whole nodes: {:.4g} "
      "records/s, limited by '{}'.\n",
      report.plan.throughput, report.stages[report.plan.bottleneck].name);
  return text + why_not_more(report) + "\n";
}

}  // namespace sluice::cli
