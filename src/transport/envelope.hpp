#pragma once

#include "record/lending.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::transport {

/// A buffer of a message. It follows on its own, or stays where it is and is lent to the receiver.
struct Attachment {
  std::uint64_t size = 0;
  BlockHandle handle;  ///< if lent

  bool is_lent() const noexcept { return handle.offset != 0; }
  bool operator==(const Attachment&) const = default;
};

/// What a message's bytes carry at their end on the wire, so that neither side has to move them to
/// make room for it.
struct Seal {
  std::uint32_t run = 0;          ///< messages of another run are not for this one
  std::uint32_t number = 0;       ///< among the messages from this sender to this receiver
  std::uint32_t piece_bytes = 0;  ///< what is larger travels in pieces of this
  bool wrapped = false;           ///< the message's envelope follows as the only buffer
  std::vector<Attachment> attachments;

  bool operator==(const Seal&) const = default;
};

/// Appends the seal to a message's bytes.
void close_envelope(std::string& bytes, const Seal& seal);

/// Takes the seal off again. Throws InvariantError if there is none.
Seal open_envelope(std::string& bytes);

}  // namespace sluice::transport
