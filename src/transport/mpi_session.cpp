#include "transport/mpi_session.hpp"

#include <sluice/error.hpp>

#include "base/give_way.hpp"
#include "transport/mpi.hpp"
#include "transport/mpi_check.hpp"

#include <mpi.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

namespace sluice::transport {
namespace {

ExitChecks checks;

bool mpi_is_usable() {
  int initialized = 0;
  int finalized = 0;
  check_mpi(MPI_Initialized(&initialized), "MPI_Initialized");
  check_mpi(MPI_Finalized(&finalized), "MPI_Finalized");
  return initialized != 0 && finalized == 0;
}

// MPI_Finalize waits for every rank, and would do so forever for one that hangs now.
void leave_when_patience_ends() {
  std::this_thread::sleep_for(std::chrono::minutes(1));
  std::fprintf(stderr,
               "sluice: error: the run is over and all it made is written, but for a minute some "
               "rank has not come to MPI_Finalize\n");
  ::_exit(static_cast<int>(ExitCode::hung));
}

// Inside MPI_Finalize a rank waits in a fence of the launcher's. If ranks are ended there, Open MPI
// 4.1's mpirun (PMIx 4.2) may take the fence apart twice, and crash or hang for good. So nobody
// goes in before all have come; whoever ends the others until then ends them outside.
bool all_have_come() {
  MPI_Request barrier = MPI_REQUEST_NULL;
  check_mpi(MPI_Ibarrier(MPI_COMM_WORLD, &barrier), "MPI_Ibarrier");
  GiveWay give_way;
  for (;;) {
    int complete = 0;
    const auto look = [&] {
      check_mpi(MPI_Test(&barrier, &complete, MPI_STATUS_IGNORE), "MPI_Test");
      return complete != 0;
    };
    give_way.until(look);
    if (look()) return true;
    if (checks.anyone_died()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

// A rank that leaves in the middle of a run must not wait for the others in MPI_Finalize; without
// it the launcher sees that something is wrong and ends them.
void finalize_at_exit() {
  if (!mpi_is_usable() || !checks.may_finalize()) return;
  std::thread(leave_when_patience_ends).detach();
  if (all_have_come()) MPI_Finalize();
}

// A rank that is alone is told by MPI_Init that it is the first.
int rank_at_start = 0;

// One rank says it. Others that failed as loudly might get it killed before it has.
[[noreturn]] void refuse_to_be_alone() {
  if (rank_at_start == 0) throw LaunchError(alone_text());
  throw RunStopped(ExitCode::launch, "each rank is alone");
}

// Without a plugin MPI_Init ends the process with a message that does not say what to type; with
// pmi2 it does so unless this MPI was built with that, which only it knows.
void require_plugin() {
  const auto plugin = srun_plugin();
  if (plugin == SrunPlugin::none && launched_by_mpi()) refuse_to_be_alone();
  if (plugin != SrunPlugin::pmi2 || rank_at_start != 0) return;
  std::fprintf(stderr,
               "sluice: srun's MPI plugin is pmi2; if MPI does not start now, type "
               "`srun --mpi=pmix …` instead\n");
}

void require_company() {
  int size = 0;
  check_mpi(MPI_Comm_size(MPI_COMM_WORLD, &size), "MPI_Comm_size");
  if (size == 1 && launched_by_mpi()) refuse_to_be_alone();
}

void initialize() {
  rank_at_start = launcher_rank();
  require_plugin();
  // Open MPI's own limit between ranks of a node, 4 KiB, makes a batch of small records a transfer
  // that both sides must attend to. Whoever set the limit before us keeps it.
  ::setenv("OMPI_MCA_btl_vader_eager_limit", std::to_string(mpi_eager_bytes).c_str(), 0);
  // Our ranks sleep when there is nothing to do; giving up the core at each look as well only makes
  // the look dearer.
  ::setenv("OMPI_MCA_mpi_yield_when_idle", "0", 1);
  int provided = MPI_THREAD_SINGLE;
  check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided), "MPI_Init_thread");
  std::atexit(finalize_at_exit);
}

void check_thread() {
  int level = MPI_THREAD_SINGLE;
  check_mpi(MPI_Query_thread(&level), "MPI_Query_thread");
  if (level >= MPI_THREAD_SERIALIZED) return;
  throw LaunchError(
      "MPI was initialised for one thread only, but sluice moves transfers along on a second one "
      "while a stage computes; call MPI_Init_thread with MPI_THREAD_SERIALIZED or higher, or leave "
      "it to sluice");
}

}  // namespace

void start_mpi(ExitChecks at_exit) {
  checks = at_exit;
  if (!mpi_is_usable()) {
    int finalized = 0;
    check_mpi(MPI_Finalized(&finalized), "MPI_Finalized");
    if (finalized != 0) {
      throw LaunchError(
          "MPI has been finalised, and it cannot be started twice in one process; finalise it "
          "after the last pipeline");
    }
    initialize();
  }
  check_thread();
  require_company();
}

void remove_shared_files() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const auto path = line.find("/dev/shm/vader_segment.");
    if (path != std::string::npos) ::unlink(line.c_str() + path);
  }
}

void abort_all_ranks(int exit_code) {
  std::fflush(nullptr);
  if (mpi_is_usable()) MPI_Abort(MPI_COMM_WORLD, exit_code);
  ::_exit(exit_code);
}

}  // namespace sluice::transport
