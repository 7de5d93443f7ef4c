#pragma once

#include "control/types.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <variant>
#include <vector>

namespace sluice::control {

/// One rank's part in transfers between GPUs that both ends have to take part in, as NCCL's do:
/// such a transfer occupies each end from when it is launched there until it is done, so two ranks
/// that launch theirs in different orders can wait for each other for ever.
///
/// This cannot, by how it is built. A rank has one send and one receive under way at most. A send
/// is offered first; the receiver takes one offer after the other, launches the receive, and only
/// then clears the sender, who launches what he was cleared for in that order. So a send is
/// launched when its receive has been launched, and is the only one there: it waits for nothing. A
/// receive waits for the sends that its sender was cleared for earlier, and each of those waits for
/// nothing. Those are all the waits there are, and no chain of them is longer than two.
///
/// Pure. A transfer is named by its sender and the number that he gives it.
class Exchange {
 public:
  using Number = std::uint64_t;

  /// Tell the rank that there is something for it.
  struct Offer {
    Rank to = 0;
    Number number = 0;
  };
  /// Launch the receive, and then tell the sender so.
  struct Receive {
    Rank from = 0;
    Number number = 0;
  };
  /// Launch the send.
  struct Send {
    Rank to = 0;
    Number number = 0;
  };
  /// It ends nowhere any more: give up what of it is under way.
  struct Abandon {
    Rank peer = 0;
    Number number = 0;
    bool sending = false;
  };
  using Command = std::variant<Offer, Receive, Send, Abandon>;
  using Commands = std::vector<Command>;

  /// This rank has something for another.
  Commands want_to_send(Rank to, Number number);
  /// Another rank's offer has come.
  Commands offered(Rank from, Number number);
  /// The receiver has launched its receive.
  Commands cleared(Rank by, Number number);
  /// The receiver does not want what it was offered.
  void refused(Rank by, Number number);
  /// What was launched here is done, or was not even begun.
  Commands sent();
  Commands received();
  /// Nothing gets to that rank any more, or comes from it, that is not done yet: the way is cut.
  Commands cut_to(Rank rank);
  Commands cut_from(Rank rank);
  /// Both.
  Commands lost(Rank rank);

  bool idle() const {
    return !sending_ && !receiving_ && offered_.empty() && offers_.empty() && cleared_.empty();
  }

 private:
  struct Transfer {
    Rank peer = 0;
    Number number = 0;
    bool operator==(const Transfer&) const = default;
  };

  Commands next_send();
  Commands next_receive();
  static Commands cut(std::optional<Transfer>& launched, Rank rank, bool sending);

  std::deque<Transfer> offered_;       ///< to others, not cleared yet
  std::deque<Transfer> cleared_;       ///< by others, in the order in which they did
  std::optional<Transfer> sending_;    ///< launched
  std::deque<Transfer> offers_;        ///< by others, not taken yet
  std::optional<Transfer> receiving_;  ///< launched
};

}  // namespace sluice::control
