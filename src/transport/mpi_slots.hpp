#pragma once

#include "transport/transport.hpp"

#include <mpi.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::transport {

/// Receives that wait for envelopes: looking at one is much cheaper than probing for a message, and
/// what comes is written where it will be read. Never destroyed before it was closed.
///
/// A sender that dies in the middle of an envelope leaves a slot that never fills, and nobody knows
/// whose it is. Once there is reason to fear that, all slots are looked at.
class MpiSlots {
 public:
  struct Envelope {
    Rank source = 0;
    std::string bytes;
  };

  explicit MpiSlots(MPI_Comm comm);

  /// The next envelope; moves MPI along if there is none. They come in the order in which MPI
  /// matched them, unless all slots are looked at: then in any order.
  std::optional<Envelope> take();

  /// Looks at all slots from now on.
  void suspect() noexcept { suspicious_ = true; }
  /// To be called now and then while nothing comes: if a slot has been filled that waits for
  /// another one, all slots are looked at from now on.
  void patrol();

  void close();

 private:
  static constexpr std::size_t count = 16;

  struct Slot {
    std::unique_ptr<char[]> memory;
    std::uint64_t posted_at = 0;  ///< envelopes taken until then
    bool overtaken = false;       ///< by so many that another slot stands in for it
  };

  bool test(std::size_t first, std::size_t end, MPI_Status& status);
  void add_slot();
  void post(std::size_t slot);
  void replace_overtaken();

  MPI_Comm comm_;
  std::vector<Slot> slots_;
  std::vector<MPI_Request> requests_;  ///< parallel to `slots_`
  std::size_t next_ = 0;
  std::uint64_t taken_ = 0;
  std::uint64_t taken_at_patrol_ = 0;
  bool suspicious_ = false;
};

}  // namespace sluice::transport
