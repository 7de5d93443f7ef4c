#pragma once

#include "transport/mpi_port.hpp"

#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

namespace sluice::transport {

/// The thread that moves a rank's transfers along while its communication thread is away in user
/// code. It sleeps on the rank's doorbell, rings that come during an absence wake it, and it only
/// ever calls MPI while it holds the baton, which the communication thread holds at all other
/// times.
class MpiDeputy {
 public:
  /// Made by the communication thread, which then holds the baton.
  explicit MpiDeputy(MpiPort& port);
  ~MpiDeputy();
  MpiDeputy(const MpiDeputy&) = delete;
  MpiDeputy& operator=(const MpiDeputy&) = delete;

  void take_over();
  void hand_back();
  /// Throws what the deputy met with in its last absence (no memory for a message, say), if it did;
  /// the communication thread calls it when it is back.
  void rethrow_failure();

 private:
  using Clock = std::chrono::steady_clock;

  void run(Doorbell::Ticket ticket);

  MpiPort& port_;
  std::mutex baton_;
  std::unique_lock<std::mutex> held_{baton_};  ///< by the communication thread
  std::atomic<bool> stopping_{false};
  bool away_ = false;           ///< guarded by the baton
  std::exception_ptr failure_;  ///< guarded by the baton
  Clock::time_point left_at_;
  std::chrono::nanoseconds usual_absence_ = std::chrono::milliseconds(1);  ///< until we know better
  std::thread thread_;
};

}  // namespace sluice::transport
