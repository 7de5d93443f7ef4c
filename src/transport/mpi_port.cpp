#include "transport/mpi_port.hpp"

#include <sluice/error.hpp>

#include "transport/mpi_check.hpp"
#include "transport/mpi_session.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace sluice::transport {
namespace {

using namespace std::chrono_literals;

// How long to look for messages before sleeping, if one came or went since the last sleep, and how
// long to stay with one that is arriving: with cores to spare, and without, when a rank that looks
// keeps one from running that would send.
struct Patience {
  std::chrono::nanoseconds spin;
  std::chrono::nanoseconds transfer_spin;
};
constexpr Patience with_cores_to_spare{20us, 50us};
constexpr Patience without{0us, 10us};

// A doorbell ends a sleep; these end it when a ring was missed, when transfers must be moved along,
// and when a message may come from a node that has no doorbell here.
constexpr std::chrono::nanoseconds idle_nap = 20ms;
constexpr std::chrono::nanoseconds transfer_nap = 200us;
constexpr std::chrono::nanoseconds remote_nap = 1ms;

// How often to look for ranks that have died.
constexpr std::chrono::nanoseconds look_pause = 100ms;

// How long a process that exits waits for its last messages to leave.
constexpr std::chrono::nanoseconds exit_flush = 500ms;

MpiPort* the_port = nullptr;

void ring(Doorbell* bell) {
  if (bell != nullptr) bell->ring();
}

void ring_owner(Doorbell* bell) {
  if (bell != nullptr) bell->ring_owner();
}

}  // namespace

MpiPort& MpiPort::instance() {
  start_mpi({&MpiPort::may_finalize, &MpiPort::anyone_died});
  // Never deleted: MPI may use its memory until the process ends.
  if (the_port == nullptr) the_port = new MpiPort(own_communicator());
  return *the_port;
}

MPI_Comm MpiPort::own_communicator() {
  MPI_Comm comm = MPI_COMM_NULL;
  check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &comm), "MPI_Comm_dup");
  check_mpi(MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  return comm;
}

bool MpiPort::may_finalize() {
  if (the_port == nullptr) return true;
  if (the_port->in_run_ || !the_port->flush(exit_flush)) return false;
  the_port->next_look_ = {};
  the_port->look_for_loss();
  const auto& forgotten = the_port->forgotten_;  // by others' word, of other nodes too
  const bool any_lost = std::find(forgotten.begin(), forgotten.end(), true) != forgotten.end();
  if (any_lost || !the_port->dead_.empty()) {  // MPI_Finalize would wait for them
    remove_shared_files();
    return false;
  }
  the_port->inbox_.close();
  return true;
}

bool MpiPort::anyone_died() {
  if (the_port == nullptr || the_port->nodes_.look_for_dead().empty()) return false;
  remove_shared_files();
  return true;
}

void MpiPort::begin_run(std::uint32_t piece_bytes) {
  if (in_run_) {
    throw LaunchError(
        "a pipeline is still running in this process; under MPI run one after the other");
  }
  in_run_ = true;
  ++run_;
  piece_bytes_ = piece_bytes;
  notified_ = false;
  look_ = nullptr;
  caretaker_ = nullptr;
  arrived_.erase(arrived_.begin(), arrived_.lower_bound(run_));
  mine_ = &arrived_[run_];
  communicators_.clear();
  heard_.assign(static_cast<std::size_t>(size_), 0);
  for (const auto& message : *mine_) ++heard_[static_cast<std::size_t>(message.peer)];
  lost_ = dead_;
}

void MpiPort::end_run() noexcept { in_run_ = false; }

MPI_Comm MpiPort::communicator(const std::vector<Rank>& ranks, std::uint64_t key) {
  const auto [known, is_new] = communicators_.try_emplace({key, ranks}, MPI_COMM_NULL);
  if (!is_new) return known->second;
  constexpr std::uint64_t most_tags = 32768;  // that MPI promises
  const auto tag = static_cast<int>(key % most_tags);
  MPI_Group all = MPI_GROUP_NULL;
  MPI_Group some = MPI_GROUP_NULL;
  check_mpi(MPI_Comm_group(for_groups_, &all), "MPI_Comm_group");
  check_mpi(MPI_Group_incl(all, static_cast<int>(ranks.size()), ranks.data(), &some),
            "MPI_Group_incl");
  check_mpi(MPI_Comm_create_group(for_groups_, some, tag, &known->second), "MPI_Comm_create_group");
  check_mpi(MPI_Group_free(&some), "MPI_Group_free");
  check_mpi(MPI_Group_free(&all), "MPI_Group_free");
  return known->second;
}

void MpiPort::send(Message message) {
  if (message.peer < 0 || message.peer >= size_) {
    throw InvariantError("a message to rank " + std::to_string(message.peer) + " of " +
                         std::to_string(size_));
  }
  if (is_forgotten(message.peer)) return;
  busy_since_wait_ = true;
  if (message.peer == rank_) {
    mine_->push_back(std::move(message));
    return;
  }
  Doorbell* const bell = nodes_.bell_of(message.peer);
  const bool lend = bell != nullptr && nodes_.share_arenas();
  // What has left lies ready for the receiver; its deputy could do no more about it.
  if (outbox_.send(std::move(message), {run_, piece_bytes_, lend})) {
    ring_owner(bell);
  } else {
    ring(bell);
  }
}

std::optional<Message> MpiPort::receive() {
  if (mine_->empty()) progress();
  if (mine_->empty()) return std::nullopt;
  busy_since_wait_ = true;
  Message message = std::move(mine_->front());
  mine_->pop_front();
  return message;
}

void MpiPort::progress() {
  outbox_.progress();
  try {
    inbox_.progress(arrivals_);
  } catch (...) {
    sort_arrivals();  // the word that ends the run may be among them
    throw;
  }
  if (!arrivals_.empty()) sort_arrivals();
}

void MpiPort::sort_arrivals() {
  for (auto& [run, message, fetched] : arrivals_) {
    // The sender may sleep while it holds the memory of what has just left it.
    if (fetched) ring(nodes_.bell_of(message.peer));
    if (run == run_) ++heard_[static_cast<std::size_t>(message.peer)];
    if (run >= run_ && !is_forgotten(message.peer)) arrived_[run].push_back(std::move(message));
  }
  arrivals_.clear();
}

void MpiPort::wait(Nanoseconds longest) {
  const auto until = Clock::now() + longest;
  const auto done = [this] { return has_news(); };
  if (busy_since_wait_) {
    spin(until, done);
    give_way_.until([&] {
      progress();
      return done();
    });
  }
  busy_since_wait_ = false;
  while (!done() && Clock::now() < until) {
    nap(until, done);
    look_for_loss();
  }
  notified_.exchange(false);  // not a plain store: see what was written before the notify
}

// What this rank sends is fetched by the receiver, which rings when it has it all; what it receives
// it must fetch itself.
template <class Done>
void MpiPort::spin(Clock::time_point until, Done done) {
  static const auto cores = static_cast<int>(std::thread::hardware_concurrency());
  const auto& patience = cores >= 2 * nodes_.ranks_here() ? with_cores_to_spare : without;
  const auto spin_until =
      std::min(until, Clock::now() + (inbox_.empty() ? patience.spin : patience.transfer_spin));
  while (!done() && Clock::now() < spin_until) progress();
}

template <class Done>
void MpiPort::nap(Clock::time_point until, Done done) {
  Doorbell& bell = nodes_.own_bell();
  const auto ticket = bell.announce_sleep();
  look_before_sleeping();
  const auto longest = std::min<Nanoseconds>(until - Clock::now(), longest_nap(idle_nap));
  if (!done()) bell.sleep(ticket, longest);
  bell.awake();
}

void MpiPort::look_before_sleeping() {
  progress();
  // A transfer may need the other side to move, which may have gone to sleep.
  for (const Rank peer : outbox_.waiting_for()) ring(nodes_.bell_of(peer));
}

MpiPort::Nanoseconds MpiPort::longest_nap(Nanoseconds if_quiet) const noexcept {
  if (!quiet()) return transfer_nap;
  return nodes_.nodes() > 1 ? remote_nap : if_quiet;
}

void MpiPort::notify() noexcept {
  notified_ = true;
  nodes_.own_bell().ring_owner();
}

void MpiPort::look_in_absence(std::function<void()> look, Nanoseconds every) {
  look_ = std::move(look);
  look_every_ = every;
}

void MpiPort::look_if_due(Clock::time_point absent_since) {
  if (!look_) return;
  const auto now = Clock::now();
  if (now - std::max(absent_since, looked_) < look_every_) return;
  looked_ = now;
  look_();
}

void MpiPort::take_care() {
  if (caretaker_ == nullptr) return;
  for (std::size_t i = 0; i < mine_->size();) {
    if (caretaker_->take((*mine_)[i])) {
      mine_->erase(mine_->begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
  caretaker_->step();
}

MpiPort::Nanoseconds MpiPort::longest_nap_in_absence(Nanoseconds if_quiet) const {
  const auto longest = longest_nap(if_quiet);
  return caretaker_ == nullptr ? longest : std::min(longest, caretaker_->pause());
}

// Whatever else a rank is doing, half a message of one that has died must not hold up the rest.
void MpiPort::look_for_loss() {
  if (Clock::now() < next_look_) return;
  next_look_ = Clock::now() + look_pause;
  inbox_.patrol();
  const auto found = nodes_.look_for_dead();
  if (found.empty()) return;
  inbox_.suspect_loss();
  dead_.insert(dead_.end(), found.begin(), found.end());
  lost_.insert(lost_.end(), found.begin(), found.end());
}

std::vector<Rank> MpiPort::take_lost() {
  look_for_loss();
  return std::exchange(lost_, {});
}

void MpiPort::forget(Rank rank) {
  if (rank == rank_ || is_forgotten(rank)) return;
  forgotten_[static_cast<std::size_t>(rank)] = true;
  outbox_.forget(rank);
  inbox_.suspect_loss();
  inbox_.forget(rank);
  for (auto& [run, messages] : arrived_) {
    std::erase_if(messages, [rank](const Message& message) { return message.peer == rank; });
  }
}

bool MpiPort::flush(Nanoseconds longest) {
  const auto until = Clock::now() + longest;
  const auto done = [this] { return outbox_.empty(); };
  progress();
  spin(until, done);
  while (!done() && Clock::now() < until) nap(until, done);
  return done();
}

}  // namespace sluice::transport
