#include "runtime/decision_text.hpp"

#include <fmt/format.h>

namespace sluice::runtime {
namespace {

std::string text_of(const control::StageOutlook& stage) {
  const auto speed = stage.speed > 0
                         ? fmt::format("{:.3g}/s a worker ±{:.0f}%", stage.speed, 100 * stage.error)
                         : std::string("speed not known");
  const auto move = stage.setup > 0 ? fmt::format(", {:.3g} s to join", stage.setup) : "";
  return fmt::format("{} {} -> {} workers ({}, {:.0f} records to go{})", stage.name, stage.workers,
                     stage.workers_after, speed, stage.remaining, move);
}

}  // namespace

std::string text_of(const control::Decision& decision) {
  std::string stages;
  for (const auto& stage : decision.stages) {
    if (stage.workers == 0 || (stage.remaining <= 0 && stage.workers_after == 0)) continue;
    stages += fmt::format("{}{}", stages.empty() ? "" : "; ", text_of(stage));
  }
  return fmt::format(
      "{} rank{} change{} stage at {:.1f} s: {:.4g} s left become {:.4g} s; moving takes up to "
      "{:.3g} s, so {:.3g} s are gained, at least {:.3g} s wanted; '{}' was the slowest: {}",
      decision.moved, decision.moved == 1 ? "" : "s", decision.moved == 1 ? "s" : "",
      std::chrono::duration<double>(decision.at).count(), decision.time_left,
      decision.time_left_after, decision.cost, decision.gain, decision.least_gain,
      decision.stages.at(decision.bottleneck).name, stages);
}

}  // namespace sluice::runtime
