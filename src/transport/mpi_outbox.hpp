#pragma once

#include "transport/mpi_session.hpp"
#include "transport/transport.hpp"

#include <mpi.h>

#include <cstdint>
#include <vector>

namespace sluice::transport {

constexpr int envelope_tag = 1;
constexpr int buffer_tag = 2;

/// The largest envelope that arrives by itself. It leaves at once: MPI's own header fits beside it.
constexpr std::size_t envelope_bytes = mpi_eager_bytes - 256;

/// Messages on their way out. A message is an envelope (its bytes and the sizes of its buffers) and
/// then each buffer, sent from where it lies. An envelope too large for the receiver's slots is
/// wrapped: a small one comes first and says its size. The memory is held until MPI is done with
/// it.
class MpiOutbox {
 public:
  MpiOutbox(MPI_Comm comm, int size) : comm_(comm), sent_(static_cast<std::size_t>(size), 0) {}

  struct Terms {
    std::uint32_t run = 0;
    std::uint32_t piece_bytes = 0;  ///< no buffer of more than this is given to MPI in one call
    bool lend = false;              ///< the receiver can read this process' arena
  };

  /// True if the message has left already; if not, its receiver has to fetch it.
  bool send(Message message, const Terms& terms);

  /// Lets go of what has left.
  void progress();

  /// What has not left for the rank never will, and is not waited for. MPI may still read the
  /// memory, so it is kept.
  void forget(Rank rank);

  bool empty() const noexcept { return requests_.empty(); }
  /// The receivers of what has not left yet; the same one may stand there often.
  const std::vector<Rank>& waiting_for() const noexcept { return peers_; }

 private:
  void post(const Buffer& owner, std::size_t offset, std::size_t size, Rank peer, int tag);
  void remove(std::size_t i);

  MPI_Comm comm_;
  std::vector<std::uint32_t> sent_;  ///< messages to each rank
  // Sends under way, in no order; parallel, because MPI wants the requests in a row.
  std::vector<MPI_Request> requests_;
  std::vector<Buffer> owners_;
  std::vector<Rank> peers_;
  std::vector<int> completed_;  ///< scratch
  std::size_t next_tested_ = 0;
  std::vector<Buffer> forgotten_;
};

}  // namespace sluice::transport
