#include "runtime/decision_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

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

std::uint64_t change(const control::StageOutlook& stage) {
  return std::max(stage.workers, stage.workers_after) -
         std::min(stage.workers, stage.workers_after);
}

std::vector<control::StageOutlook> changed_stages(const control::Decision& decision) {
  auto stages = decision.stages;
  std::rotate(stages.begin(), stages.begin() + static_cast<std::ptrdiff_t>(decision.bottleneck),
              stages.begin() + static_cast<std::ptrdiff_t>(decision.bottleneck) + 1);
  stages.erase(std::remove_if(stages.begin(), stages.end(),
                              [](const auto& stage) { return change(stage) == 0; }),
               stages.end());
  const bool slowest_changes = change(decision.stages.at(decision.bottleneck)) > 0;
  std::stable_sort(stages.begin() + (slowest_changes ? 1 : 0), stages.end(),
                   [](const auto& a, const auto& b) { return change(a) > change(b); });
  return stages;
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

std::string short_text_of(const control::Decision& decision, std::size_t columns) {
  constexpr std::string_view more = ", …";
  auto text = fmt::format("{:.3g} s left become {:.3g} s, '{}' was slowest: ", decision.time_left,
                          decision.time_left_after, decision.stages.at(decision.bottleneck).name);
  const auto stages = changed_stages(decision);
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const auto& stage = stages[i];
    const auto part = fmt::format("{}{} {}->{}", i == 0 ? "" : ", ", stage.name, stage.workers,
                                  stage.workers_after);
    const auto rest = i + 1 < stages.size() ? 3 : 0;  // the columns of `more`
    if (i > 0 && text.size() + part.size() + rest > columns) return text.append(more);
    text += part;
  }
  return text;
}

}  // namespace sluice::runtime
