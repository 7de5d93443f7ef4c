#include "runtime/launch.hpp"

#include "base/safe_text.hpp"
#include "runtime/batch_coordinator.hpp"
#include "runtime/batch_worker.hpp"
#include "runtime/coordinator.hpp"
#include "runtime/hang.hpp"
#include "runtime/spec.hpp"
#include "runtime/worker.hpp"
#include "transport/local.hpp"
#include "transport/mpi.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <system_error>
#include <thread>
#include <vector>

namespace sluice::runtime {
namespace {

// How long user code may go on after the run has failed before someone does something about it.
constexpr std::chrono::milliseconds grace{2000};
// One that was told to stop has had that time; a launcher may be about to kill it.
constexpr std::chrono::milliseconds grace_when_stopped{200};

std::unique_ptr<CoordinatorBase> make_coordinator(transport::Transport& rank, Mode mode) {
  if (mode == Mode::batch) return std::make_unique<BatchCoordinator>(rank);
  return std::make_unique<Coordinator>(rank);
}

std::unique_ptr<WorkerBase> make_worker(transport::Transport& rank, Mode mode) {
  if (mode == Mode::batch) return std::make_unique<BatchWorker>(rank);
  return std::make_unique<Worker>(rank);
}

// Ends this process, in which a thread is stuck in user code and cannot be joined. Nothing is
// destroyed or flushed: the thread may hold any lock.
[[noreturn]] void leave(ExitCode code) { std::_Exit(static_cast<int>(code)); }

// A failed run waits for the threads in user code as long as their stages may take; one that hangs,
// or that was told to stop, has waited already.
void end_stuck_threads(CoordinatorBase& coordinator, const ErasedSpec& spec, const Error& error) {
  const bool waited = error.code() == ExitCode::hung || error.code() == ExitCode::stopped;
  if (!waited) {
    std::fprintf(stderr, "sluice: %s; waiting for user code to return on other workers\n",
                 safe_lines(error.what()).c_str());
    if (coordinator.all_stopped_within(longest_call(spec))) return;
  }
  say_error(error.what());
  leave(error.code());
}

// Under MPI, ends ranks whose user code does not return; the error is said first, since nobody gets
// to hear of it afterwards.
RunStatus coordinate(CoordinatorBase& coordinator, const std::function<ErasedSpec()>& build,
                     const std::function<void(const Error&)>& give_up) {
  try {
    return coordinator.run(build);
  } catch (const Error& error) {
    const bool stopped = error.code() == ExitCode::stopped;
    if (!coordinator.all_stopped_within(stopped ? grace_when_stopped : grace)) give_up(error);
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
      [&](const Error& error) { end_stuck_threads(*coordinator, spec, error); });
}

RunStatus run_rank(transport::Transport& rank, const std::function<ErasedSpec()>& build,
                   Mode mode) {
  if (rank.rank() != control::coordinator) {
    make_worker(rank, mode)->run(build);
    return {};
  }
  return coordinate(*make_coordinator(rank, mode), build, [](const Error& error) {
    say_error(error.what());
    transport::abort_all_ranks(static_cast<int>(error.code()));
  });
}

}  // namespace sluice::runtime
