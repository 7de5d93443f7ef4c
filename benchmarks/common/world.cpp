#include "common/world.hpp"

#include <mpi.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <numeric>
#include <string>

namespace sluice::bench {
namespace {

bool launched() {
  const char* size = std::getenv("OMPI_COMM_WORLD_SIZE");
  return size != nullptr && std::stoi(size) > 1;
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

rusage own_usage() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage;
}

template <class Clock>
double seconds_on() {
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

}  // namespace

World::World(Settings settings) {
  if (!launched()) return;
  if (settings == Settings::as_sluice) {
    // What sluice sets when it initialises MPI itself (src/transport/mpi_session.cpp).
    setenv("OMPI_MCA_btl_vader_eager_limit", "16384", 0);
    setenv("OMPI_MCA_mpi_yield_when_idle", "0", 1);
  }
  int provided = MPI_THREAD_SINGLE;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
  MPI_Comm_size(MPI_COMM_WORLD, &size_);
}

World::~World() {
  if (size_ > 1) MPI_Finalize();
}

void World::mpi_barrier() const {
  if (size_ > 1) MPI_Barrier(MPI_COMM_WORLD);
}

double World::sum(double mine) const {
  double total = mine;
  if (size_ > 1) MPI_Reduce(&mine, &total, 1, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
  return total;
}

std::vector<double> World::gather(const std::vector<double>& mine) const {
  if (size_ == 1) return mine;
  const int count = static_cast<int>(mine.size());
  std::vector<int> counts(static_cast<std::size_t>(size_));
  MPI_Gather(&count, 1, MPI_INT, counts.data(), 1, MPI_INT, 0, MPI_COMM_WORLD);
  std::vector<int> starts(counts.size());
  std::exclusive_scan(counts.begin(), counts.end(), starts.begin(), 0);
  std::vector<double> all(static_cast<std::size_t>(starts.back() + counts.back()));
  MPI_Gatherv(mine.data(), count, MPI_DOUBLE, all.data(), counts.data(), starts.data(), MPI_DOUBLE,
              0, MPI_COMM_WORLD);
  return all;
}

double monotonic_seconds() { return seconds_on<std::chrono::steady_clock>(); }

double wall_seconds() { return seconds_on<std::chrono::system_clock>(); }

double cpu_seconds() {
  const auto usage = own_usage();
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

std::uint64_t peak_resident_bytes() {
  return static_cast<std::uint64_t>(own_usage().ru_maxrss) * 1024;
}

void sleep_precisely(double seconds) {
  // By default the kernel lets a sleeper lie 50 µs longer than it asked.
  thread_local const int slack = prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
  static_cast<void>(slack);
  const auto whole = static_cast<std::time_t>(seconds);
  timespec left{whole, static_cast<long>((seconds - static_cast<double>(whole)) * 1e9)};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

}  // namespace sluice::bench
