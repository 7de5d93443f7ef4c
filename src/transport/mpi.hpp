#pragma once

#include "transport/transport.hpp"

#include <memory>

namespace sluice::transport {

/// True if a launcher (mpirun, srun) started this process as one of several ranks. Initialises
/// nothing.
bool launched_by_mpi();

/// This process's number under the launcher, from its environment; 0 without one.
int launcher_rank();

/// This process's end of a new communicator over all ranks. Initialises MPI if the program has not,
/// and then finalises it at exit. Collective. Throws LaunchError if MPI's thread level is too low.
std::unique_ptr<Transport> make_mpi_rank();

/// Ends every rank at once with this exit code; for a rank that cannot go on.
[[noreturn]] void abort_all_ranks(int exit_code);

}  // namespace sluice::transport
