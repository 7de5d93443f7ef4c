#pragma once

#include "control/batch_types.hpp"
#include "control/types.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <variant>
#include <vector>

namespace sluice::control {

/// How long things may take. 0: as long as they like.
struct Patience {
  std::vector<Time> stall_after;  ///< by stage: of one call of user code, or one batch within it
  Time silence{0};                ///< of a rank that is a process of its own
  /// By stage: whether its batches are in process without a call of user code that lasts as long.
  std::vector<bool> continuous = {};
};

/// A rank of which nothing was heard yet may still be loading something, before the run.
inline constexpr Time slow_to_join = std::chrono::minutes(10);

/// How often a rank says that it is there, so that whoever waits for its word can be as quick as
/// the least patience asks for.
Time beat_of(const Patience& patience);

/// What a rank does, as far as the coordinator has heard. Times are the watchdog's own.
struct RankState {
  enum class Doing { nothing, node_setup, setup, waiting, running, teardown };

  int stage = -1;  ///< -1: none
  Doing doing = Doing::nothing;
  Time since{};           ///< it has been doing that
  Time heard{};           ///< when its process gave a sign of life
  Time turned{};          ///< when its thread did, which it cannot in a call of user code
  bool joined = false;    ///< it was heard at all
  bool retiring = false;  ///< it is to tear down when it is done with what it does
  struct Batch {
    Time since{};
    std::uint64_t first_input = 0;
  };
  std::map<BatchId, Batch> in_process = {};
  bool gone = false;                 ///< it is no part of the run any more
  std::map<BatchId, Time> due = {};  ///< whole batches that it has not taken, and since when
  std::uint64_t backlog = 0;         ///< records that it has yet to be told to send
  std::uint64_t calls = 0;           ///< of user code, that have ended

  /// The batch that has been in process for longest; null if none is.
  const Batch* oldest() const;
};

/// What is wrong with a run, and for how long it has been.
struct Stall {
  enum class Kind {
    silent,      ///< the rank's process gives no sign of life
    long_call,   ///< a call of user code does not return
    long_batch,  ///< a batch is not answered, though the rank's thread is not in user code
    untaken,     ///< the rank does not begin with a batch that is there
    standstill   ///< nothing happens anywhere, and nobody is in user code
  };
  Kind kind = Kind::standstill;
  Rank rank = 0;
  Time lasted{};
};

/// Decides whether a run hangs, and who is at fault, from what the coordinator hears and orders
/// (DESIGN I10). Pure.
///
/// A rank's thread says that it is there once a beat at least, except in a call of user code: so
/// its silence is the length of the call. While it is silent, its process goes on giving signs of
/// life, if ranks are processes. Time in which the coordinator itself was busy or stopped does not
/// count, because it could not hear anybody.
class Watchdog {
 public:
  Watchdog(Patience patience, std::size_t ranks);

  /// The coordinator is about to read what it has been sent.
  void advance(Time now);
  /// A message of the rank; its thread's own unless the rank is in a call of user code.
  void heard(Rank rank, bool in_call);
  /// The rank is lost: it is not waited for any more.
  void gone(Rank rank) { state(rank) = {.gone = true}; }
  /// Ranks that are left keep their stages or get others, and no batch of before counts.
  void begin_again();
  /// Something happened that is neither an order nor an event.
  void moved() { moved_at_ = at_; }
  /// The rank has ended so many calls of user code.
  void counted(Rank rank, std::uint64_t calls);
  void note(const Command& command) {
    std::visit([this](const auto& c) { on(c); }, command);
  }
  void note(const Event& event) {
    std::visit([this](const auto& e) { on(e); }, event);
  }
  void note(const BatchEvent& event) {
    std::visit([this](const auto& e) { on(e); }, event);
  }

  /// What hangs, if something does: to be asked after all that was sent has been read.
  std::optional<Stall> stall() const;
  /// When to look again.
  Time next_look() const;

  const std::vector<RankState>& ranks() const { return ranks_; }
  /// The watchdog's time: how long the coordinator has been listening.
  Time listening() const { return at_; }

 private:
  void on(const Assign& order);
  void on(const Retire& order);
  void on(const Grant& order);
  void on(const GrantAhead&) {}
  void on(const Seal& order);
  void on(const NodeReady& event);
  void on(const WorkerReady& event);
  void on(const Taken& event);
  void on(const Begun& event);
  void on(const Finished& event);
  void on(const Declined&) {}
  void on(const Left& event);
  void on(const SplitBegun& event);
  void on(const Published&) { moved_at_ = at_; }
  void on(const Committed&) { moved_at_ = at_; }
  void on(const Admitted&) {}
  void on(const Tick&) {}

  RankState& state(Rank rank) { return ranks_.at(static_cast<std::size_t>(rank)); }
  void begin(Rank rank, RankState::Doing doing);
  void rest(Rank rank);
  Time limit(const RankState& of) const;
  bool in_call(const RankState& of) const;
  std::optional<Stall> silent() const;
  std::optional<Stall> long_call() const;
  bool is_continuous(const RankState& of) const;
  std::optional<Stall> long_batch() const;
  std::optional<Stall> untaken() const;
  std::optional<Stall> standstill() const;

  Patience patience_;
  Time beat_;
  Time longest_{0};  ///< patience with any stage
  std::vector<RankState> ranks_;
  Time now_{0};       ///< the coordinator's time
  Time at_{0};        ///< the watchdog's
  Time moved_at_{0};  ///< when something happened that was not only a sign of life
};

}  // namespace sluice::control
