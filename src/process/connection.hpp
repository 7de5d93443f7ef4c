#pragma once

#include "base/give_way.hpp"
#include "process/frames.hpp"
#include "store/descriptor.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace sluice::process {

/// The other side has gone, or no longer listens.
struct Gone {};

/// Our end of the socket to a process. For one thread; it never waits longer than it is told to.
class Connection {
 public:
  using Clock = std::chrono::steady_clock;

  /// `death` becomes readable when the process ends; below 0: nobody says so.
  Connection(store::Descriptor socket, int death);

  /// Goes out with the next `receive`, as soon as the other side takes it.
  void send(const Frame& frame) { outgoing_ += packed(frame); }

  /// The next frame; nothing if none comes until then. Throws Gone when none can come any more, and
  /// Garbage.
  std::optional<Frame> receive(Clock::time_point deadline);
  /// The same, but only if it is there now.
  std::optional<Frame> look();

  int descriptor() const noexcept { return socket_.get(); }
  /// What was sent has not gone out, as the other side does not take it.
  bool is_stuck() const noexcept { return !outgoing_.empty(); }

 private:
  std::optional<Frame> next();
  bool read_some();
  void write_some();
  bool wait(Clock::time_point deadline) const;

  store::Descriptor socket_;
  int death_;
  std::string outgoing_;
  FrameReader incoming_;
  GiveWay give_way_;
};

}  // namespace sluice::process
