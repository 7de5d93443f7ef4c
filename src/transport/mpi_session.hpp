#pragma once

#include <cstddef>

namespace sluice::transport {

/// Messages up to this size leave at once between ranks of a node (if we initialise MPI).
inline constexpr std::size_t mpi_eager_bytes = 16 * 1024;

/// What is asked when the process exits.
struct ExitChecks {
  bool (*may_finalize)() = nullptr;  ///< once, before this rank waits for the others
  bool (*anyone_died)() = nullptr;   ///< while it waits
};

/// Makes MPI usable by the calling thread: initialises it unless the program has, and then
/// finalises it when the process exits, if all ranks come to that. Throws LaunchError if MPI's
/// thread level is too low. Later calls only check the thread.
void start_mpi(ExitChecks at_exit);

/// Open MPI's memory for the ranks of a node is in files that MPI_Finalize removes. For a process
/// that must do without it: takes their names away, which those who map them don't need.
void remove_shared_files();

}  // namespace sluice::transport
