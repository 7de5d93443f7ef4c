#pragma once

#include <sluice/buffer.hpp>

#include <cstdint>
#include <vector>

namespace sluice::gpu {

/// Copies of batches to a worker's device, which go on in the background. The worker's thread
/// calls.
class Copies {
 public:
  using Ticket = std::uint64_t;

  virtual ~Copies() = default;
  /// Begins to copy what is not on the device yet.
  virtual void start(Ticket ticket, std::vector<Buffer> buffers) = 0;
  /// Whether `take` would return at once.
  virtual bool done(Ticket ticket) const = 0;
  /// Waits until they are there, and hands them over, in their order. Throws if that failed.
  virtual std::vector<Buffer> take(Ticket ticket) = 0;
  /// Nobody will take them.
  virtual void drop(Ticket ticket) = 0;
};

}  // namespace sluice::gpu
