#include "transport/mpi_deputy.hpp"

#include <utility>

namespace sluice::transport {
namespace {

using namespace std::chrono_literals;

// While a doorbell rings for whatever comes. No longer, because an absence that was expected to be
// short may turn out long.
constexpr std::chrono::nanoseconds idle_nap = 20ms;

// Absences that last less are over before a deputy could wake up.
constexpr std::chrono::nanoseconds worth_waking = 200us;

}  // namespace

MpiDeputy::MpiDeputy(MpiPort& port)
    : port_(port),
      thread_([this, ticket = port.own_bell().ticket(Doorbell::Sleeper::deputy)] { run(ticket); }) {
}

MpiDeputy::~MpiDeputy() {
  stopping_ = true;
  held_.unlock();
  port_.own_bell().wake(Doorbell::Sleeper::deputy);
  thread_.join();
}

void MpiDeputy::take_over() {
  left_at_ = Clock::now();
  away_ = true;
  Doorbell& bell = port_.own_bell();
  const auto ticket = bell.announce_sleep(Doorbell::Sleeper::deputy);
  bool wanted = false;
  if (usual_absence_ > worth_waking) {
    port_.look_before_sleeping();
    wanted = port_.longest_nap_in_absence(idle_nap) < idle_nap;
  }
  held_.unlock();
  // A ring that came while the baton was not free yet woke the deputy for nothing.
  const bool rung = bell.ticket(Doorbell::Sleeper::deputy) != ticket;
  if (wanted || rung) bell.wake(Doorbell::Sleeper::deputy);
}

void MpiDeputy::hand_back() {
  held_.lock();
  away_ = false;
  port_.own_bell().awake();
  usual_absence_ += (Clock::now() - left_at_ - usual_absence_) / 8;
}

void MpiDeputy::rethrow_failure() {
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void MpiDeputy::run(Doorbell::Ticket ticket) {
  Doorbell& bell = port_.own_bell();
  std::chrono::nanoseconds nap = idle_nap;
  while (!stopping_) {
    bell.sleep(ticket, nap, Doorbell::Sleeper::deputy);
    ticket = bell.ticket(Doorbell::Sleeper::deputy);
    nap = idle_nap;
    // If the communication thread is back, it looks after everything itself.
    const std::unique_lock baton(baton_, std::try_to_lock);
    if (!baton || !away_) continue;
    try {
      port_.look_before_sleeping();
      port_.look_if_due(left_at_);
      port_.take_care();
      nap = port_.longest_nap_in_absence(idle_nap);
    } catch (...) {
      failure_ = std::current_exception();
      return;
    }
  }
}

}  // namespace sluice::transport
