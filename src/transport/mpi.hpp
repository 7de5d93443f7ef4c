#pragma once

#include "transport/transport.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace sluice::transport {

/// True if a launcher (mpirun, srun) started this process as one of several ranks. Initialises
/// nothing.
bool launched_by_mpi();

/// As how many ranks the launcher started this program, from its environment; 1 without one.
int launched_ranks();

/// What srun offers its tasks to find each other by.
enum class SrunPlugin { not_srun, none, pmi2, pmix };
SrunPlugin srun_plugin();

/// Why ranks of a launcher may each be alone in a world of its own, and what to type instead.
std::string alone_text();

/// This process's number under the launcher, from its environment; 0 without one.
int launcher_rank();

/// How long the launcher leaves ranks after their SIGTERM, where that is known: mpirun kills them
/// then.
std::optional<std::chrono::milliseconds> launcher_patience();

/// Which MPI sluice was compiled for, and which it found when it started: "Open MPI 4.1.4".
/// Initialises nothing.
struct MpiVersions {
  std::string built;
  std::string running;
};
MpiVersions mpi_versions();

/// This process's end of a run over all ranks: nothing that another run left behind reaches it.
/// Initialises MPI if the program has not, and then finalises it at exit. Collective; one at a time
/// in a process. Throws LaunchError if MPI's thread level is too low. Destroying it waits for
/// nobody; what has not left by then still does in a later run, or when the process exits.
///
/// Messages and buffers of more than `piece_bytes` travel in pieces: MPI counts with an int.
std::unique_ptr<Transport> make_mpi_rank(std::uint32_t piece_bytes = 1U << 30);

/// Ends every rank at once with this exit code; for a rank that cannot go on.
[[noreturn]] void abort_all_ranks(int exit_code);

}  // namespace sluice::transport
