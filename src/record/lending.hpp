#pragma once

#include <sluice/buffer.hpp>

#include "record/arena.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace sluice {

// Large buffers go from one process of a node to another by reference: the owner's arena is mapped
// in both. The processes agree on a number for each arena, and each must have attached all those
// that it is sent handles of: its peers pass on what they borrowed.

/// A reference to a buffer's bytes on its way to another process. Plain bytes, to be sent as they
/// are. Whoever holds it has to `borrow` or `give_back`, once.
struct BlockHandle {
  std::uint32_t arena = 0;   ///< its number
  std::uint64_t offset = 0;  ///< in bytes

  bool operator==(const BlockHandle&) const = default;
};

/// Where others find this process' arena; nothing if it has none, and lends nothing of its own.
std::optional<ArenaAddress> own_arena();

/// What the others call this process' arena. Only then can it lend.
void set_own_number(std::uint32_t number);

/// Maps another process' arena, if it is not mapped yet, and calls it `number` from now on; if that
/// was another's, the other has none any more. False if it cannot be reached: then nothing can be
/// borrowed from it. Thread-safe.
bool attach_arena(std::uint32_t number, const ArenaAddress& address);

/// Adds a reference for the receiver. Nothing if the bytes are in no arena that has a number, or a
/// slice from the middle of a block.
/// Thread-safe.
std::optional<BlockHandle> lend(const Buffer& buffer);

/// The buffer that was lent, of `size` bytes; its bytes stay where they are. Takes over the
/// handle's reference. Thread-safe. Throws DecodeError if the handle leads to no block of that
/// size.
Buffer borrow(const BlockHandle& handle, std::size_t size);

/// Drops the reference of a handle that nobody will borrow. Thread-safe. Throws DecodeError like
/// `borrow`.
void give_back(const BlockHandle& handle);

}  // namespace sluice
