#pragma once

#include "gpu/device.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace sluice::gpu {

/// One direction between the GPUs of two processes: NCCL's (gpu/nccl), or one that is emulated.
/// Nothing here blocks: the link is set up, and transfers go on, while the caller does other
/// things, so that a peer that dies in the middle can be given up. One transfer at a time; what
/// makes pairs of them free of deadlock is control/exchange. Any thread may use it, one at a time.
class Link {
 public:
  enum class End { sends, receives };

  virtual ~Link() = default;
  /// Whether the other end has joined. Throws Error if it cannot.
  virtual bool ready() = 0;
  /// Their bytes are there already, and they are held until `idle`.
  virtual void send(std::vector<Buffer> buffers) = 0;
  /// Room for what comes, to be used by the worker for whom the link was opened. Throws Error if
  /// there is none.
  virtual Buffer allocate(std::size_t size) = 0;
  /// Into buffers that it allocated, of the sizes that are sent.
  virtual void receive(std::vector<Buffer> buffers) = 0;
  /// Whether what was begun last is done. Throws Error if it failed.
  virtual bool idle() = 0;
  /// The other end is gone: what is under way never ends otherwise.
  virtual void abort() = 0;
};

/// Whether links between this process's GPUs and others' are possible, as far as can be told here;
/// loads NCCL's library.
bool has_links();

/// For both ends of a link, made by the sending one.
std::string new_link_id();

/// `stream`: the one of the worker that the device is used by. The sender opens its end first.
std::unique_ptr<Link> open_link(Device& device, void* stream, const std::string& id, Link::End end);

}  // namespace sluice::gpu
