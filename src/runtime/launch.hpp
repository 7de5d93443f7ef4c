#pragma once

#include "transport/transport.hpp"

#include <sluice/run.hpp>

#include <functional>

namespace sluice::runtime {

// The executors of the modes that run on several ranks: streaming and batch. `mode` is one of them.

/// The coordinator and its workers, as threads of this process.
RunStatus run_threads(const ErasedSpec& spec, Mode mode);

/// This process as one rank under MPI. The spec is built under the run's protection, so that a rank
/// that cannot build it stops the others.
RunStatus run_rank(transport::Transport& rank, const std::function<ErasedSpec()>& build, Mode mode);

}  // namespace sluice::runtime
