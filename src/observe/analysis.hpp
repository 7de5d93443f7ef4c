#pragma once

#include <sluice/run.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace sluice::observe {

/// What the workers of a stage did with their time.
struct StageAnalysis {
  double busy = 0;  ///< share of their time in `process`; those below likewise
  double starved = 0;
  double blocked = 0;
  double setup = 0;
  std::optional<double> speed;  ///< records/s of one worker while it processes: the true rate
};

/// Why a run was as fast as it was.
struct Analysis {
  std::vector<StageAnalysis> stages;
  /// The busiest stage, or in batch mode the one that took longest; none if nothing was processed.
  std::optional<std::size_t> bottleneck;
  double throughput = 0;  ///< inputs/s of this attempt
  /// What the workers of the bottleneck could do if they never waited, as inputs/s, and the share
  /// of it that was reached: the speed of light for these workers. None in batch mode.
  std::optional<double> speed_of_light;
  std::vector<std::string> advice;  ///< sentences, the most rewarding first
};

Analysis analyse(const RunStatus& status);

/// So it is in batch mode: nobody waits for another stage, and what counts is how long each took.
bool is_one_by_one(const RunStatus& status);
/// How long a stage was at work, in seconds, if all its workers were all the time.
double time_at_work(const StageStatus& stage);

}  // namespace sluice::observe
