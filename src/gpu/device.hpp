#pragma once

#include "gpu/copies.hpp"

#include <sluice/buffer.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sluice::gpu {

struct DeviceInfo {
  int index = 0;  ///< as CUDA numbers what this process can see
  std::string name;
  std::string uuid;
  std::uint64_t total = 0;  ///< bytes
  int major = 0;            ///< compute capability
  int minor = 0;
};

/// A GPU as this process uses it: CUDA's (gpu/cuda), or one that is only emulated. Its workers,
/// each on a thread of its own, share it. Lives as long as the process, since buffers may.
class Device {
 public:
  virtual ~Device() = default;

  virtual const DeviceInfo& info() const = 0;
  virtual std::uint64_t free_bytes() const = 0;

  /// The calling thread works on this device from now on.
  virtual void make_current() = 0;
  /// Throws Error, naming the device, if it does not compute what it should.
  virtual void check_health() = 0;

  /// The calling thread's stream.
  virtual void* stream() = 0;
  /// All that is in the calling thread's stream is done.
  virtual void synchronize() = 0;
  virtual Buffer allocate(std::size_t size) = 0;
  virtual Buffer allocate_pinned(std::size_t size) = 0;

  /// Whether the buffer lies on this device.
  virtual bool holds(const Buffer& buffer) const = 0;
  /// In host memory, all at once. The buffers may lie on any device, or none.
  virtual std::vector<Buffer> to_host(const std::vector<Buffer>& buffers) = 0;
  /// For the calling thread's inputs.
  virtual std::unique_ptr<Copies> open_copies() = 0;

  /// What another process of the node needs to copy the buffer; empty if it cannot be shared. The
  /// buffer must be kept until it has.
  virtual std::string share(const Buffer& buffer) = 0;
  /// A copy, on this device, of what another process shares. Throws Error if that is out of reach.
  virtual Buffer copy_shared(const std::string& shared, std::size_t size) = 0;
};

}  // namespace sluice::gpu
