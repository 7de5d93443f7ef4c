#include "runtime/streaming_executor.hpp"

#include "runtime/coordinator.hpp"
#include "runtime/spec.hpp"
#include "runtime/worker.hpp"
#include "transport/local.hpp"
#include "transport/mpi.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <system_error>
#include <thread>
#include <vector>

namespace sluice::runtime {
namespace {

// How long user code may go on after the run has failed before someone does something about it.
constexpr std::chrono::seconds grace{2};

// Under MPI, ends ranks whose user code does not return; the error is said first, since nobody gets
// to hear of it afterwards.
RunStatus coordinate(transport::Transport& transport, const std::function<ErasedSpec()>& build,
                     const std::function<void(const Error&)>& give_up) {
  Coordinator coordinator(transport);
  try {
    return coordinator.run(build);
  } catch (const Error& error) {
    if (!coordinator.all_stopped_within(grace)) give_up(error);
    throw;
  }
}

void run_worker_thread(transport::Transport& transport, const ErasedSpec& spec) {
  try {
    Worker(transport).run([&spec] { return spec; });
  } catch (const RunStopped&) {
    // The coordinator, in this same process, says why.
  }
}

void start_worker_threads(const std::vector<std::unique_ptr<transport::Transport>>& ranks,
                          const ErasedSpec& spec, std::vector<std::jthread>& threads) {
  try {
    for (std::size_t rank = 1; rank < ranks.size(); ++rank) {
      threads.emplace_back(
          [&transport = *ranks[rank], &spec] { run_worker_thread(transport, spec); });
    }
  } catch (const std::system_error& error) {
    const auto message =
        fmt::format("cannot start {} worker threads: {}; ask for fewer (--workers)",
                    ranks.size() - 1, error.what());
    // Those that have started wait for a word; without one they would wait forever.
    for (std::size_t rank = 1; rank <= threads.size(); ++rank) {
      ranks.front()->send(pack(static_cast<control::Rank>(rank), End{ExitCode::launch, message}));
    }
    throw LaunchError(message);
  }
}

}  // namespace

RunStatus run_streaming_threads(const ErasedSpec& spec) {
  const auto ranks = transport::make_local_ranks(static_cast<int>(worker_threads(spec)) + 1);
  std::vector<std::jthread> threads;
  start_worker_threads(ranks, spec, threads);
  return coordinate(
      *ranks.front(), [&spec] { return spec; },
      [](const Error& error) {
        std::fprintf(stderr, "sluice: %s; waiting for user code to return on other workers\n",
                     error.what());
      });
}

RunStatus run_streaming_mpi(const std::function<ErasedSpec()>& build) {
  const auto transport = transport::make_mpi_rank();
  if (transport->rank() != control::coordinator) {
    Worker(*transport).run(build);
    return {};
  }
  return coordinate(*transport, build, [](const Error& error) {
    std::fprintf(stderr, "sluice: error: %s\n", error.what());
    transport::abort_all_ranks(static_cast<int>(error.code()));
  });
}

}  // namespace sluice::runtime
