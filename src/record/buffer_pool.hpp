#pragma once

#include <cstddef>
#include <memory>

namespace sluice {

/// A block of at least `size` bytes. Blocks of 64 KiB and more are recycled through a process-wide
/// pool, because fresh pages cost more than moving the bytes that fill them; the pool keeps at most
/// 256 MiB. Thread-safe.
std::shared_ptr<std::byte> allocate_block(std::size_t size);

}  // namespace sluice
