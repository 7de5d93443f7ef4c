#pragma once

#include <sluice/buffer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sluice::transport {

using Rank = int;

/// Bytes and, beside them, buffers that are never copied into them.
struct Message {
  Rank peer = 0;  ///< the receiver when sent, the sender when received
  std::string bytes;
  std::vector<Buffer> buffers;
};

/// Looks after what cannot wait for the end of an absence, on a thread that has the transport
/// meanwhile and for it alone: it may call `send`, `heard` and `take_lost`.
class Caretaker {
 public:
  virtual ~Caretaker() = default;
  /// A message that has come: true if it took it. What it does not take it may be shown again.
  virtual bool take(Message& message) = 0;
  virtual void step() = 0;
  /// For how long there is no need of a step if no message comes.
  virtual std::chrono::nanoseconds pause() const = 0;
};

/// One rank's end of the message system. Messages between two ranks arrive whole, once, and in the
/// order sent; of what a rank sent before it died, a first part. All calls but `notify` come from
/// the rank's communication thread.
class Transport {
 public:
  virtual ~Transport() = default;

  virtual Rank rank() const = 0;
  virtual int size() const = 0;
  /// Ranks with the same number share a node; numbers run from 0.
  virtual int node_of(Rank rank) const = 0;
  virtual int nodes() const = 0;

  /// Never blocks. The transport keeps the message until it has left. A rank may send to itself.
  virtual void send(Message message) = 0;

  /// A message that has arrived whole, if there is one; moves transfers along. Never blocks.
  virtual std::optional<Message> receive() = 0;

  /// Sleeps until a message may have arrived, `notify` was called, or `longest` has passed. May
  /// return early; using no measurable CPU while nothing happens.
  virtual void wait(std::chrono::nanoseconds longest) = 0;

  /// Ends the `wait` under way or, if there is none, the next one. Any thread may call it; between
  /// processes a signal handler too.
  virtual void notify() = 0;

  /// Whether ranks are processes: each gets signals of its own, and may stop answering alone.
  virtual bool between_processes() const noexcept = 0;

  /// Waits until every message sent has left this rank, at most `longest`; false if some have not.
  virtual bool flush(std::chrono::nanoseconds longest) = 0;

  /// The communication thread will not call for a while; transfers move on without it until it
  /// ends its absence. See Absence.
  virtual void begin_absence() = 0;
  virtual void end_absence() = 0;

  /// Between processes, an absence calls this whenever it has gone on for `every` more, from
  /// another thread, and does not end before that returns. It may call `send` and `heard`: to show
  /// that the process lives, whatever its communication thread does, and to see who else does.
  virtual void look_in_absence(std::function<void()> look, std::chrono::nanoseconds every) = 0;

  /// Between processes, absences are looked after by this, which must stay as long as there are
  /// any; null: by nobody.
  virtual void set_caretaker(Caretaker* caretaker) = 0;

  /// Between processes, how many messages of that rank have arrived, received or not.
  virtual std::uint64_t heard(Rank rank) const = 0;

  /// Between processes: calls `body` with a pointer to an MPI_Comm over these ranks, of which this
  /// is one. Collective over them. The same ranks and `key` give the same communicator in a run.
  virtual void with_mpi(const std::vector<Rank>& ranks, std::uint64_t key,
                        const std::function<void(void* communicator)>& body) = 0;

  /// Ranks that have been found dead since the last call, those that an earlier run in this process
  /// lost included. Ends a `wait`. Not every transport sees every death: MPI sees those of the
  /// rank's own node, within 100 ms.
  virtual std::vector<Rank> take_lost() = 0;

  /// The rank is dead, or to be treated so: what is under way to it is let go and never waited for,
  /// what else is sent to it is dropped, and so is what comes from it, now half here or later.
  virtual void forget(Rank rank) = 0;
};

/// The communication thread's absence: it runs user code.
class Absence {
 public:
  explicit Absence(Transport& transport) : transport_(transport) { transport_.begin_absence(); }
  ~Absence() { transport_.end_absence(); }
  Absence(const Absence&) = delete;
  Absence& operator=(const Absence&) = delete;

 private:
  Transport& transport_;
};

}  // namespace sluice::transport
