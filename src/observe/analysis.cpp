#include "observe/analysis.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::observe {
namespace {

double share(double part, double whole) { return whole > 0 ? part / whole : 0; }

double time_of_workers(const StageStatus& stage) {
  return stage.running + stage.starved + stage.blocked + stage.setup;
}

StageAnalysis analyse(const StageStatus& stage) {
  const double whole = time_of_workers(stage);
  StageAnalysis found;
  found.busy = share(stage.running, whole);
  found.starved = share(stage.starved, whole);
  found.blocked = share(stage.blocked, whole);
  found.setup = share(stage.setup, whole);
  if (stage.running > 0 && stage.records_in > 0) {
    found.speed = static_cast<double>(stage.records_in) / stage.running;
  }
  return found;
}

std::optional<std::size_t> busiest(const std::vector<StageAnalysis>& stages) {
  const auto found = std::max_element(stages.begin(), stages.end(),
                                      [](const auto& a, const auto& b) { return a.busy < b.busy; });
  if (found == stages.end() || found->busy <= 0) return std::nullopt;
  return static_cast<std::size_t>(found - stages.begin());
}

// The stage that took longest, and its share of the time.
void analyse_one_by_one(const RunStatus& status, Analysis& analysis) {
  double longest = 0;
  double all = 0;
  for (std::size_t k = 0; k < status.stages.size(); ++k) {
    const auto& stage = status.stages[k];
    const double took = time_at_work(stage);
    all += took;
    if (took <= longest) continue;
    longest = took;
    analysis.bottleneck = k;
  }
  if (!analysis.bottleneck) return;
  analysis.advice.push_back(
      fmt::format("'{}' took {:.0f}% of the stages' time, one after the other: more workers for "
                  "it, or faster ones, save most",
                  status.stages[*analysis.bottleneck].name, 100 * longest / all));
}

void advise_on_bottleneck(const StageStatus& stage, const StageAnalysis& found,
                          std::vector<std::string>& advice) {
  if (found.busy >= 0.8) {
    advice.push_back(
        fmt::format("'{}' was busy {:.0f}% of its workers' time: more workers for it, or faster "
                    "ones, make the run faster; nothing else does",
                    stage.name, 100 * found.busy));
  } else if (found.setup > 0.2) {
    advice.push_back(
        fmt::format("workers of '{}' spent {:.0f}% of their time in setup: a longer run, fewer "
                    "changes of plan or a quicker setup would pay",
                    stage.name, 100 * found.setup));
  } else {
    advice.push_back(fmt::format(
        "no stage was busy for long: '{}', the busiest, only {:.0f}% of its workers' time. Larger "
        "batches (batch_size) cost less per record, and fewer ranks would do",
        stage.name, 100 * found.busy));
  }
}

void advise_on_idle(const RunStatus& status, const Analysis& analysis, std::size_t bottleneck,
                    std::vector<std::string>& advice) {
  constexpr double idle = 0.7;
  std::string names;
  for (std::size_t k = 0; k < status.stages.size(); ++k) {
    const auto& stage = analysis.stages[k];
    if (k == bottleneck || status.stages[k].workers < 2) continue;
    if (stage.starved + stage.blocked < idle) continue;
    names += fmt::format("{}'{}'", names.empty() ? "" : ", ", status.stages[k].name);
  }
  if (names.empty()) return;
  advice.push_back(
      fmt::format("workers of {} waited most of the time: fewer of them would do", names));
}

void analyse_together(const RunStatus& status, Analysis& analysis) {
  analysis.bottleneck = busiest(analysis.stages);
  if (!analysis.bottleneck) return;
  const auto& found = analysis.stages[*analysis.bottleneck];
  if (found.busy > 0) analysis.speed_of_light = analysis.throughput / found.busy;
  advise_on_bottleneck(status.stages[*analysis.bottleneck], found, analysis.advice);
  advise_on_idle(status, analysis, *analysis.bottleneck, analysis.advice);
}

}  // namespace

bool is_one_by_one(const RunStatus& status) {
  return status.channels.empty() &&
         std::any_of(status.stages.begin(), status.stages.end(),
                     [](const auto& stage) { return stage.expected.has_value(); });
}

double time_at_work(const StageStatus& stage) {
  return share(time_of_workers(stage), static_cast<double>(stage.workers));
}

Analysis analyse(const RunStatus& status) {
  Analysis analysis;
  for (const auto& stage : status.stages) analysis.stages.push_back(analyse(stage));
  const auto done = static_cast<double>(status.done - std::min(status.done, status.done_before));
  analysis.throughput = share(done, status.seconds);
  if (is_one_by_one(status)) {
    analyse_one_by_one(status, analysis);
  } else {
    analyse_together(status, analysis);
  }
  if (status.dead_letters > 0) {
    analysis.advice.push_back(
        fmt::format("{} records could not be processed; 'sluice retry RUN_DIR' takes them up again",
                    status.dead_letters));
  }
  return analysis;
}

}  // namespace sluice::observe
