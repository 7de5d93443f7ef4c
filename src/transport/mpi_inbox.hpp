#pragma once

#include "transport/envelope.hpp"
#include "transport/transport.hpp"

#include <mpi.h>

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace sluice::transport {

/// A message that has arrived whole, and the run that it belongs to.
struct Arrival {
  std::uint32_t run = 0;
  Message message;
};

/// Messages on their way in. Those from one source are handed over in the order sent, however their
/// parts arrive; sources don't wait for each other. Never destroyed, since MPI may still write into
/// the memory that it holds.
class MpiInbox {
 public:
  MpiInbox(MPI_Comm comm, int size) : comm_(comm), lanes_(static_cast<std::size_t>(size)) {}

  /// Takes in what has come, moves transfers along, and appends what has become whole to
  /// `arrivals`.
  void progress(std::deque<Arrival>& arrivals);

  /// True if no message is half here.
  bool empty() const noexcept { return busy_.empty(); }

 private:
  // A message that is being put together. It does not move while MPI writes into it.
  struct Assembly {
    std::string envelope;
    MPI_Request envelope_request = MPI_REQUEST_NULL;
    Seal seal;
    std::vector<Buffer> buffers;
    std::vector<MPI_Request> buffer_requests;
  };
  // The messages from one source; the first `opened` have had their envelope read.
  struct Lane {
    std::deque<Assembly> assemblies;
    std::size_t opened = 0;
  };

  bool accept_envelope();
  bool probe(MPI_Message& handle, MPI_Status& status);
  void advance(Rank source, std::deque<Arrival>& arrivals);
  void open(Assembly& assembly, Rank source);
  void post(Assembly& assembly, Buffer& buffer, Rank source);
  static bool is_whole(Assembly& assembly);
  static Arrival finish(Assembly assembly, Rank source);

  MPI_Comm comm_;
  std::vector<Lane> lanes_;
  std::vector<Rank> busy_;  ///< the sources whose lanes are not empty
};

}  // namespace sluice::transport
