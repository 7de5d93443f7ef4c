#include "record/block_lease.hpp"

#include "record/buffer_pool.hpp"

#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(begin, size) (static_cast<void>(begin), static_cast<void>(size))
#define ASAN_UNPOISON_MEMORY_REGION(begin, size) (static_cast<void>(begin), static_cast<void>(size))
#endif

namespace sluice {

void BlockLease::operator()(const std::byte* /*bytes*/) const noexcept { release(*arena, block); }

std::shared_ptr<std::byte> lease(Arena& arena, BlockIndex block, std::size_t size) {
  std::byte* begin = arena.payload(block);
  ASAN_UNPOISON_MEMORY_REGION(begin, size);
  return {begin, BlockLease{&arena, block}};
}

std::shared_ptr<std::byte> lease_new(Arena& arena, BlockIndex block, std::size_t size) {
  ASAN_POISON_MEMORY_REGION(arena.payload(block), arena.bytes(block));
  return lease(arena, block, size);
}

void release(Arena& arena, BlockIndex block) noexcept {
  if (arena.inherited()) return;
  // What was read or written under any reference comes before the block's next use.
  if (arena.header(block).references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  ASAN_POISON_MEMORY_REGION(arena.payload(block), arena.bytes(block));
  if (arena.is_own()) {
    BufferPool::instance().give(block);
  } else {
    arena.send_home(block);
  }
}

bool held_elsewhere(const std::shared_ptr<std::byte>& bytes) noexcept {
  const auto* lease = std::get_deleter<BlockLease>(bytes);
  if (lease == nullptr) return false;
  return lease->arena->inherited() ||
         lease->arena->header(lease->block).references.load(std::memory_order_acquire) > 1;
}

}  // namespace sluice
