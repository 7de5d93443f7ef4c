#pragma once

#include "record/arena.hpp"

#include <cstddef>
#include <memory>

namespace sluice {

/// One reference to a block in an arena, as the deleter of a Buffer's bytes: all of this process'
/// buffers that share them share it. The last reference to go, in whichever process, sends the
/// block back to its owner.
struct BlockLease {
  Arena* arena;  ///< lives as long as the process
  BlockIndex block;

  void operator()(const std::byte* bytes) const noexcept;
};

/// Takes over a reference that the caller holds. `size` bytes of the block will be used.
std::shared_ptr<std::byte> lease(Arena& arena, BlockIndex block, std::size_t size);

/// The same for a block that nobody has used since it was free.
std::shared_ptr<std::byte> lease_new(Arena& arena, BlockIndex block, std::size_t size);

/// Gives up a reference.
void release(Arena& arena, BlockIndex block) noexcept;

/// True if a lease of another process, or a handle on its way, refers to the bytes.
bool held_elsewhere(const std::shared_ptr<std::byte>& bytes) noexcept;

}  // namespace sluice
