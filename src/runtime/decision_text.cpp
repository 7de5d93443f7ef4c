#include "runtime/decision_text.hpp"

#include <fmt/format.h>

#include <algorithm>
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

// Of the stages besides the slowest, those that change most first.
std::vector<std::string> changes(const control::Decision& decision) {
  const auto& slowest = decision.stages.at(decision.bottleneck);
  auto others = decision.stages;
  others.erase(others.begin() + static_cast<std::ptrdiff_t>(decision.bottleneck));
  std::stable_sort(others.begin(), others.end(),
                   [](const auto& a, const auto& b) { return change(a) > change(b); });
  std::vector<std::string> parts{
      fmt::format("{} (slowest) {}->{}", slowest.name, slowest.workers, slowest.workers_after)};
  for (const auto& stage : others) {
    if (change(stage) == 0) break;
    parts.push_back(fmt::format("{} {}->{}", stage.name, stage.workers, stage.workers_after));
  }
  return parts;
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
  auto text =
      fmt::format("{:.3g} s left become {:.3g} s: ", decision.time_left, decision.time_left_after);
  const auto parts = changes(decision);
  text += parts.front();
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const auto dots = i + 1 < parts.size() ? std::size_t{3} : 0;  // the columns of ", …"
    if (text.size() + 2 + parts[i].size() + dots > columns) return text + ", …";
    text += ", " + parts[i];
  }
  return text;
}

}  // namespace sluice::runtime
