#pragma once

#include <cstdint>
#include <vector>

namespace sluice::bench {

/// The ranks that a launcher started this program on, or this process alone. MPI runs from the
/// first World to the end of its life.
class World {
 public:
  /// How Open MPI is set up: as sluice does it, or as it comes, for programs on raw MPI.
  enum class Settings { as_sluice, as_it_comes };
  explicit World(Settings settings = Settings::as_sluice);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  int rank() const noexcept { return rank_; }
  int size() const noexcept { return size_; }
  bool is_root() const noexcept { return rank_ == 0; }
  /// How the ranks talk, for the name of a measurement.
  const char* transport() const noexcept { return size_ > 1 ? "MPI" : "threads"; }

  // Collective; only the root gets the result. Without a launcher, what is given comes back.
  void mpi_barrier() const;
  double sum(double mine) const;
  /// Every rank's numbers, in the order of the ranks.
  std::vector<double> gather(const std::vector<double>& mine) const;

 private:
  int rank_ = 0;
  int size_ = 1;
};

/// Seconds on the clock that all processes of a host share.
double monotonic_seconds();
/// Seconds since 1970.
double wall_seconds();
/// User and system time of this process so far, all its threads together.
double cpu_seconds();
/// The most memory that this process has held.
std::uint64_t peak_resident_bytes();

/// Sleeps `seconds`, to within some microseconds.
void sleep_precisely(double seconds);

}  // namespace sluice::bench
