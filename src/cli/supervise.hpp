#pragma once

#include "cli/commands.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace sluice::cli {

/// What --page-token says, without everybody seeing it.
inline constexpr const char* token_variable = "SLUICE_PAGE_TOKEN";

/// True if this process is to start the ranks, and is none itself.
bool is_supervisor(const RanksArguments& ranks);

/// Runs `sluice COMMAND…` on ranks of mpirun's, in the way that lets them outlive one that dies. If
/// the run is lost all the same, `sluice resume RUN_DIR` goes on with it, as often as `ranks` says.
/// Returns the exit code of the last one. Throws LaunchError if there is no mpirun.
int supervise(const RanksArguments& ranks, std::vector<std::string> command,
              const std::filesystem::path& run_dir);

/// A rank's last act: tells the supervisor, if there is one, since mpirun's exit code says nothing
/// once a rank has died.
void tell_supervisor(int exit_code);

}  // namespace sluice::cli
