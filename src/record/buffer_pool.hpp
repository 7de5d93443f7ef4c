#pragma once

#include "record/arena.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace sluice {

/// A block of at least `size` bytes. Blocks of 64 KiB and more are recycled through a process-wide
/// pool, because fresh pages cost more than moving the bytes that fill them; the pool keeps at most
/// 256 MiB. They lie in the process' arena, so that they can be lent to other processes, or on the
/// heap if there is none or it is full. Thread-safe. Throws std::bad_alloc.
std::shared_ptr<std::byte> allocate_block(std::size_t size);

/// The free blocks of this process' arena. The one last used is the first to be used again, while
/// its pages are still in the caches. Thread-safe. A forked process starts with an empty pool.
class BufferPool {
 public:
  /// Lives as long as the process: buffers may outlive static destruction.
  static BufferPool& instance();

  /// This process' arena, made at the first call; null if it cannot be had.
  Arena* arena();

  /// A block of at least `size` bytes; null if there is no room.
  std::shared_ptr<std::byte> allocate(std::size_t size);

  /// Takes back a block of this process' arena that nobody refers to.
  void give(BlockIndex block) noexcept;

 private:
  // Four classes per power of two: at most a quarter of a block is unused.
  struct SizeClass {
    std::uint32_t granules;
    std::size_t index;
  };
  using Lists = std::array<BlockIndex, 128>;

  BufferPool();
  void start_over_after_fork() noexcept;
  static SizeClass class_of(std::size_t granules) noexcept;

  BlockIndex take(std::size_t size);

  // For who holds the mutex.
  Arena* make_arena();
  BlockIndex take_kept(const SizeClass& wanted) noexcept;
  BlockIndex take_hollow(const SizeClass& wanted) noexcept;
  void collect_returned() noexcept;
  bool keep(BlockIndex block) noexcept;
  BlockIndex pop(Lists& lists, std::size_t index) noexcept;
  void push(Lists& lists, BlockIndex block) noexcept;

  std::mutex mutex_;
  std::unique_ptr<Arena> arena_;
  bool arena_tried_ = false;
  Lists kept_{};    ///< free blocks with memory behind them, by size class
  Lists hollow_{};  ///< free blocks without
  std::size_t kept_bytes_ = 0;
  BlockIndex untouched_ = 0;  ///< from here to its end the arena was never used
  std::vector<std::unique_ptr<Arena>> inherited_;
};

}  // namespace sluice
