#include "runtime/streaming_executor.hpp"

#include "runtime/coordinator.hpp"
#include "runtime/spec.hpp"
#include "runtime/worker.hpp"
#include "transport/local.hpp"
#include "transport/mpi.hpp"

#include <sluice/error.hpp>

#include <chrono>
#include <cstdio>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

namespace sluice::runtime {
namespace {

// How long user code may go on after the run has failed before someone does something about it.
constexpr std::chrono::seconds grace{2};

void run_worker_thread(transport::Transport& transport, const ErasedSpec& spec) {
  Worker worker(transport);
  try {
    worker.run([&spec] { return spec; });
  } catch (const RunStopped&) {
    // The coordinator, in this same process, says why.
    if (worker.stopped_within(grace)) return;
    std::fprintf(stderr,
                 "sluice: the run has failed; waiting for user code on worker %d to return\n",
                 transport.rank());
  }
}

RunStatus run_rank(transport::Transport& transport, const std::function<ErasedSpec()>& build) {
  if (transport.rank() == control::coordinator) return Coordinator(transport).run(build);
  Worker worker(transport);
  try {
    worker.run(build);
  } catch (const RunStopped& stopped) {
    if (worker.stopped_within(grace)) throw;
    transport::abort_all_ranks(static_cast<int>(stopped.code()));
  }
  return {};
}

}  // namespace

RunStatus run_streaming_threads(const ErasedSpec& spec) {
  const auto ranks = transport::make_local_ranks(static_cast<int>(worker_threads(spec)) + 1);
  std::vector<std::jthread> threads;
  for (std::size_t rank = 1; rank < ranks.size(); ++rank) {
    threads.emplace_back(
        [&transport = *ranks[rank], &spec] { run_worker_thread(transport, spec); });
  }
  return Coordinator(*ranks.front()).run([&spec] { return spec; });
}

RunStatus run_streaming_mpi(const std::function<ErasedSpec()>& build) {
  const auto transport = transport::make_mpi_rank();
  return run_rank(*transport, build);
}

}  // namespace sluice::runtime
