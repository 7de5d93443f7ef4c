#pragma once

#include <sluice/run.hpp>

#include <functional>

namespace sluice::runtime {

/// Streaming mode with the coordinator and worker threads in this process.
RunStatus run_streaming_threads(const ErasedSpec& spec);

/// Streaming mode over MPI: this process is one rank. The spec is built under the run's protection,
/// so that a rank that cannot build it stops the others.
RunStatus run_streaming_mpi(const std::function<ErasedSpec()>& build);

}  // namespace sluice::runtime
