#include "runtime/launch.hpp"

#include "runtime/batch_coordinator.hpp"
#include "runtime/batch_worker.hpp"
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

std::unique_ptr<CoordinatorBase> make_coordinator(transport::Transport& rank, Mode mode) {
  if (mode == Mode::batch) return std::make_unique<BatchCoordinator>(rank);
  return std::make_unique<Coordinator>(rank);
}

std::unique_ptr<WorkerBase> make_worker(transport::Transport& rank, Mode mode) {
  if (mode == Mode::batch) return std::make_unique<BatchWorker>(rank);
  return std::make_unique<Worker>(rank);
}

// Under MPI, ends ranks whose user code does not return; the error is said first, since nobody gets
// to hear of it afterwards.
RunStatus coordinate(CoordinatorBase& coordinator, const std::function<ErasedSpec()>& build,
                     const std::function<void(const Error&)>& give_up) {
  try {
    return coordinator.run(build);
  } catch (const Error& error) {
    if (!coordinator.all_stopped_within(grace)) give_up(error);
    throw;
  }
}

void run_worker_thread(transport::Transport& rank, const ErasedSpec& spec, Mode mode) {
  try {
    make_worker(rank, mode)->run([&spec] { return spec; });
  } catch (const RunStopped&) {
    // The coordinator, in this same process, says why.
  }
}

void start_worker_threads(const std::vector<std::unique_ptr<transport::Transport>>& ranks,
                          const ErasedSpec& spec, Mode mode, std::vector<std::jthread>& threads) {
  try {
    for (std::size_t rank = 1; rank < ranks.size(); ++rank) {
      threads.emplace_back(
          [&rank = *ranks[rank], &spec, mode] { run_worker_thread(rank, spec, mode); });
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

RunStatus run_threads(const ErasedSpec& spec, Mode mode) {
  const auto ranks = transport::make_local_ranks(static_cast<int>(worker_threads(spec, mode)) + 1);
  const auto coordinator = make_coordinator(*ranks.front(), mode);
  std::vector<std::jthread> threads;
  start_worker_threads(ranks, spec, mode, threads);
  return coordinate(
      *coordinator, [&spec] { return spec; },
      [](const Error& error) {
        std::fprintf(stderr, "sluice: %s; waiting for user code to return on other workers\n",
                     error.what());
      });
}

RunStatus run_rank(transport::Transport& rank, const std::function<ErasedSpec()>& build,
                   Mode mode) {
  if (rank.rank() != control::coordinator) {
    make_worker(rank, mode)->run(build);
    return {};
  }
  return coordinate(*make_coordinator(rank, mode), build, [](const Error& error) {
    std::fprintf(stderr, "sluice: error: %s\n", error.what());
    transport::abort_all_ranks(static_cast<int>(error.code()));
  });
}

}  // namespace sluice::runtime
