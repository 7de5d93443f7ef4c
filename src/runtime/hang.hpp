#pragma once

#include "control/watchdog.hpp"
#include "transport/transport.hpp"

#include <sluice/run.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::runtime {

/// What the run's options and stages allow.
control::Patience patience_of(const ErasedSpec& spec, const transport::Transport& transport);

/// The longest that a stage allows a call of user code; no limit if one allows that.
std::chrono::nanoseconds longest_call(const ErasedSpec& spec);

/// Records that were made for a stage and that it has not taken.
struct Waiting {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;  ///< 0 if not known
};

/// What the coordinator knows of a run that hangs.
struct Scene {
  const control::Watchdog& watchdog;
  const std::vector<std::string>& hosts;  ///< by rank
  RunStatus status;
  std::vector<Waiting> waiting;  ///< by stage
  double seconds = 0;            ///< since the run started
};

/// Writes the state of all stages and ranks to "state-dump.txt" in the run directory and, without
/// the ranks that are not at fault, to standard error. Returns what is wrong, for the user.
std::string report_hang(const ErasedSpec& spec, const control::Stall& stall, const Scene& scene);

/// All of it; `culprit` is its first line.
std::string state_text(const ErasedSpec& spec, const std::string& culprit, const Scene& scene);

/// What a worker says of a coordinator that gives no sign of life; `host` is empty if it never did.
std::string silent_coordinator_text(const ErasedSpec& spec, const std::string& host,
                                    control::Time lasted);

/// Why a run ended before it read or wrote anything, and how to go on.
std::string not_begun_text(const ErasedSpec& spec, int signal, const std::string& waited_for);

/// Why a run ended early, and how to go on with it.
std::string stopped_text(const ErasedSpec& spec, int signal, const std::string& progress,
                         bool out_of_grace);

}  // namespace sluice::runtime
