#pragma once

#include "gpu/device.hpp"

#include <memory>
#include <string>

namespace sluice::gpu {

/// One direction between the GPUs of two processes. Nothing here blocks: the link is set up, and
/// transfers go on, while the caller does other things, so that a peer that dies in the middle can
/// be given up. One transfer at a time; what makes pairs of them free of deadlock is
/// control/exchange.
class NcclLink {
 public:
  enum class End { sends, receives };

  virtual ~NcclLink() = default;
  /// Whether the other end has joined. Throws Error if it cannot.
  virtual bool ready() = 0;
  /// The sender's buffer is held until `idle`.
  virtual void send(const Buffer& buffer) = 0;
  virtual Buffer receive(std::size_t size) = 0;
  /// Whether what was begun last is done. Throws Error if it failed.
  virtual bool idle() = 0;
  /// The other end is gone: what is under way never ends otherwise.
  virtual void abort() = 0;
};

/// Whether NCCL was built in and its library is here; loads it.
bool has_nccl();

/// For both ends of a link, made by one of them.
std::string new_link_id();

std::unique_ptr<NcclLink> open_link(Device& device, const std::string& id, NcclLink::End end);

}  // namespace sluice::gpu
