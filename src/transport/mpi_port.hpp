#pragma once

#include "base/give_way.hpp"
#include "transport/mpi_inbox.hpp"
#include "transport/mpi_nodes.hpp"
#include "transport/mpi_outbox.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace sluice::transport {

/// This process's place in MPI. There is one, made by the first run and kept until the process
/// ends: a transfer that a failed run leaves behind has somewhere to end, and nobody waits for
/// peers to take a communicator down. Runs are told apart by their number, which their messages
/// carry: what an earlier one left is dropped, what a later one sent already is kept for it.
class MpiPort {
 public:
  using Nanoseconds = std::chrono::nanoseconds;

  /// Collective the first time.
  static MpiPort& instance();

  /// One run at a time. Every rank begins its runs in the same order.
  void begin_run(std::uint32_t piece_bytes);
  void end_run() noexcept;

  Rank rank() const noexcept { return rank_; }
  int size() const noexcept { return size_; }
  const MpiNodes& nodes() const noexcept { return nodes_; }

  void send(Message message);
  std::optional<Message> receive();
  void wait(Nanoseconds longest);
  void notify() noexcept;
  bool flush(Nanoseconds longest);
  std::vector<Rank> take_lost();
  void forget(Rank rank);

  /// Of these ranks, all of which ask for it. Kept until the process ends, as nobody could wait for
  /// the others to give it up.
  MPI_Comm communicator(const std::vector<Rank>& ranks, std::uint64_t key);

  void look_in_absence(std::function<void()> look, Nanoseconds every);
  void set_caretaker(Caretaker* caretaker) noexcept { caretaker_ = caretaker; }
  std::uint64_t heard(Rank rank) const { return heard_.at(static_cast<std::size_t>(rank)); }

  // For the deputy, while it holds the baton.
  /// Looks as was wished for absences, if that is due in one that began then.
  void look_if_due(std::chrono::steady_clock::time_point absent_since);
  /// Lets the caretaker, if there is one, see to what has come and what is under way.
  void take_care();
  /// Moves everything along, as far as it goes without waiting for the peers. To be done between
  /// announcing a sleep and sleeping.
  void look_before_sleeping();
  /// How long to sleep at most; `if_quiet` when a doorbell is sure to ring for whatever comes.
  Nanoseconds longest_nap(Nanoseconds if_quiet) const noexcept;
  /// The same for one that the caretaker depends on.
  Nanoseconds longest_nap_in_absence(Nanoseconds if_quiet) const;
  Doorbell& own_bell() const noexcept { return nodes_.own_bell(); }

 private:
  using Clock = std::chrono::steady_clock;

  explicit MpiPort(MPI_Comm comm)
      : for_groups_(own_communicator()),
        rank_(rank_in(comm)),
        size_(size_of(comm)),
        nodes_(comm),
        outbox_(comm, size_),
        inbox_(comm, size_),
        forgotten_(static_cast<std::size_t>(size_), false) {}
  static MPI_Comm own_communicator();
  static bool may_finalize();
  static bool anyone_died();

  void progress();
  void sort_arrivals();
  bool quiet() const noexcept { return outbox_.empty() && inbox_.empty(); }
  bool has_news() const noexcept { return notified_ || !mine_->empty() || !lost_.empty(); }
  bool is_forgotten(Rank rank) const { return forgotten_[static_cast<std::size_t>(rank)]; }
  void look_for_loss();
  template <class Done>
  void spin(Clock::time_point until, Done done);
  template <class Done>
  void nap(Clock::time_point until, Done done);

  MPI_Comm for_groups_;  ///< communicators are agreed on by messages in it, whatever their tags
  const Rank rank_;
  const int size_;
  MpiNodes nodes_;
  MpiOutbox outbox_;
  MpiInbox inbox_;
  std::uint32_t piece_bytes_ = 0;
  std::uint32_t run_ = 0;
  bool in_run_ = false;
  bool busy_since_wait_ = false;
  GiveWay give_way_;
  Clock::time_point next_look_;   ///< for ranks that died
  std::vector<Rank> dead_;        ///< all that have been found
  std::vector<Rank> lost_;        ///< those that this run has not heard of yet
  std::vector<bool> forgotten_;   ///< by rank
  std::deque<Arrival> arrivals_;  ///< scratch of progress
  std::map<std::pair<std::uint64_t, std::vector<Rank>>, MPI_Comm> communicators_;  ///< of this run
  std::map<std::uint32_t, std::deque<Message>> arrived_;  ///< by run, none before run_
  std::deque<Message>* mine_ = nullptr;                   ///< this run's
  std::atomic<bool> notified_{false};
  std::vector<std::uint64_t> heard_;  ///< by rank: messages of this run
  std::function<void()> look_;        ///< in an absence
  Nanoseconds look_every_{0};
  Caretaker* caretaker_ = nullptr;
  Clock::time_point looked_;
};

}  // namespace sluice::transport
