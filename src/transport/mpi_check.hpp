#pragma once

namespace sluice::transport {

/// The one place where MPI's return codes are looked at: throws Error with MPI's own text unless
/// `code` is MPI_SUCCESS. `call` names the function.
void check_mpi(int code, const char* call);

}  // namespace sluice::transport
