#pragma once

#include "transport/transport.hpp"

#include <mpi.h>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace sluice::transport {

/// Receives that wait for envelopes: looking at one is much cheaper than probing for a message, and
/// what comes is written where it will be read. Never destroyed before it was closed.
class MpiSlots {
 public:
  struct Envelope {
    Rank source = 0;
    std::string bytes;
  };

  explicit MpiSlots(MPI_Comm comm);

  /// The next envelope, in the order in which MPI matched them; moves MPI along if there is none.
  std::optional<Envelope> take();

  void close();

 private:
  static constexpr std::size_t count = 16;

  void post(std::size_t slot);

  MPI_Comm comm_;
  std::vector<char> memory_;
  std::array<MPI_Request, count> requests_{};
  std::size_t next_ = 0;
};

}  // namespace sluice::transport
