#pragma once

namespace sluice::transport {

/// Makes MPI usable by the calling thread: initialises it unless the program has, and then
/// finalises it when the process exits, if `may_finalize` agrees. Throws LaunchError if MPI's
/// thread level is too low. Later calls only check the thread.
void start_mpi(bool (*may_finalize)());

}  // namespace sluice::transport
