#pragma once

#include "transport/transport.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace sluice::runtime {

/// While one of these lives, SIGTERM, SIGINT and SIGUSR1 ask the process's runs to stop instead of
/// ending it; after the last one, they do what they did before. A signal that the process ignores
/// stays ignored. Once the runs have been asked, another SIGTERM or SIGINT ends the process at
/// once with ExitCode::stopped; one that follows within 0.3 s is taken for the same press of a key,
/// since launchers and schedulers may pass on what the process gets anyway.
class StopSignals {
 public:
  /// `enabled`: else it does nothing. A signal notifies `woken`, if it is not null, which must then
  /// be a transport whose `notify` a signal handler may call.
  StopSignals(bool enabled, transport::Transport* woken);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// The signal that has asked for an end since this was made; 0: none.
  int received() const noexcept;

 private:
  bool enabled_;
  std::uint32_t before_ = 0;  ///< signals that came earlier
};

/// How long there is to finish after this signal: `wanted`, unless the launcher is known to kill
/// its ranks earlier.
std::chrono::nanoseconds grace_after(int signal, std::chrono::nanoseconds wanted);

/// What stands for a signal when it is the end of a Slurm job that stops a run.
inline constexpr int end_of_job = -1;

/// "SIGTERM".
std::string signal_name(int signal);

}  // namespace sluice::runtime
