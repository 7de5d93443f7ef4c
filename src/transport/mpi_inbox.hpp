#pragma once

#include "transport/envelope.hpp"
#include "transport/mpi_slots.hpp"
#include "transport/transport.hpp"

#include <mpi.h>

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace sluice::transport {

/// A message that has arrived whole, and the run that it belongs to.
struct Arrival {
  std::uint32_t run = 0;
  Message message;
  bool fetched = false;  ///< its sender has held memory for it until now
};

/// Messages on their way in. Those from one source are handed over in the order sent, however their
/// parts arrive; sources don't wait for each other. Never destroyed, since MPI may still write into
/// the memory that it holds.
class MpiInbox {
 public:
  MpiInbox(MPI_Comm comm, int size)
      : comm_(comm), slots_(comm), lanes_(static_cast<std::size_t>(size)) {}

  /// Takes in what has come, moves transfers along, and appends what has become whole to
  /// `arrivals`.
  void progress(std::deque<Arrival>& arrivals);

  /// True if no message is half here.
  bool empty() const noexcept { return busy_.empty(); }

  /// What comes from the rank is dropped from now on, what is half here too.
  void forget(Rank rank);

  /// A rank has died, or may have: it may have left something half sent.
  void suspect_loss() noexcept { slots_.suspect(); }
  /// Looks whether there is reason to think so.
  void patrol() { slots_.patrol(); }

  /// No message will be received any more.
  void close() { slots_.close(); }

 private:
  // A message that is being put together. It does not move while MPI writes into it.
  struct Assembly {
    std::string envelope;
    Seal seal;
    std::vector<Buffer> buffers;
    std::vector<MPI_Request> requests;
  };
  // An envelope that came before its turn.
  struct Early {
    std::string envelope;
    Seal seal;
  };
  // The messages from one source; the buffers of the first `opened` are known and asked for.
  struct Lane {
    std::deque<Assembly> assemblies;
    std::size_t opened = 0;
    std::uint32_t next = 0;  ///< the number of the envelope to come
    std::map<std::uint32_t, Early> early;
    bool forgotten = false;
  };

  Lane& lane(Rank source) { return lanes_[static_cast<std::size_t>(source)]; }
  void accept(Rank source, std::string envelope, std::deque<Arrival>& arrivals);
  void begin(Rank source, std::string envelope, Seal seal, std::deque<Arrival>& arrivals);
  static void give_back_lent(const Seal& seal, std::size_t first);
  void abandon(Assembly& assembly);
  void advance(Rank source, std::deque<Arrival>& arrivals);
  bool open(Assembly& assembly, Rank source);
  static void unwrap(Assembly& assembly);
  void find_buffers(Assembly& assembly, Rank source);
  void ask_for(Assembly& assembly, Buffer& buffer, Rank source);
  static bool is_whole(Assembly& assembly);

  MPI_Comm comm_;
  MpiSlots slots_;
  std::vector<Lane> lanes_;
  std::vector<Rank> busy_;          ///< the sources whose lanes are not empty
  std::deque<Assembly> forgotten_;  ///< MPI may still write into them
};

}  // namespace sluice::transport
