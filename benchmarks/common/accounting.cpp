#include "common/accounting.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::bench {
namespace {

double time_of(const StageStatus& stage) {
  return std::max(1e-9, stage.running + stage.starved + stage.blocked);
}

}  // namespace

std::string accounting_of(const RunStatus& status, double cores) {
  std::string text;
  for (const auto& stage : status.stages) {
    const double all = time_of(stage);
    text += fmt::format("{} × {} running {:.1f}%, starved {:.1f}%, blocked {:.1f}%; ", stage.name,
                        stage.workers, 100 * stage.running / all, 100 * stage.starved / all,
                        100 * stage.blocked / all);
  }
  return text + fmt::format("{:.2f} cores in use", cores);
}

double utilisation_of_bottleneck(const RunStatus& status) {
  double busiest = 0;
  for (const auto& stage : status.stages) {
    busiest = std::max(busiest, stage.running / time_of(stage));
  }
  return busiest;
}

}  // namespace sluice::bench
