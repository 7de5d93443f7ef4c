#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <set>

namespace sluice::control {

/// Decides which of its batches go into a continuous stage next, and what it means that some are
/// lost. Pure. Each batch goes by a ticket, and is inside from `next` on until it is answered.
///
/// What is lost, with all that was inside, may be the fault of any of it. So each batch that was
/// lost once is a suspect until it is finished: it goes in alone, and nothing else meanwhile. If it
/// is lost again it has failed, which is all that its attempts count. So no batch is lost without
/// blame more than once, whatever the others do. That something is killed by someone else blames
/// nobody; but a batch to which that happened `most_kills` times in a row goes in alone, too, and
/// has failed after as many more.
class Intake {
 public:
  using Ticket = std::uint64_t;
  static constexpr int most_kills = 20;

  /// At most `depth` batches are inside at once.
  explicit Intake(std::size_t depth) : depth_(depth) {}

  void add(Ticket ticket);
  /// The ticket that is to go in now; false if there is none.
  bool next(Ticket& ticket);

  /// It was inside and is answered; false if nobody wants the answer any more.
  bool answered(Ticket ticket);
  // What follows from the answer.
  /// Nothing more is to be done of it.
  void finished(Ticket ticket);
  /// It, or a part of it, is to be tried once more.
  void again(Ticket ticket);
  /// It was lost: true if it has been put back, false if it has failed.
  bool lost(Ticket ticket, bool killed);

  /// Nobody wants any of them any more. Those inside count until they are answered.
  void abandon();

  const std::deque<Ticket>& waiting() const { return waiting_; }
  std::size_t inside() const { return inside_.size(); }

 private:
  struct Batch {
    bool suspect = false;
    int kills = 0;  ///< in a row
  };
  bool is_suspect(Ticket ticket) const { return batches_.at(ticket).suspect; }

  std::size_t depth_;
  std::map<Ticket, Batch> batches_;  ///< that are wanted
  std::deque<Ticket> waiting_;       ///< suspects first
  std::set<Ticket> inside_;
  bool alone_ = false;  ///< what is inside is a suspect
};

}  // namespace sluice::control
