#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

namespace sluice::gpu {

/// Free blocks of memory that is expensive to get: a device's, or pinned. Pure: it keeps the books,
/// and whoever owns it gets and frees the memory. For one thread at a time.
class BlockPool {
 public:
  struct Block {
    void* data = nullptr;
    std::size_t capacity = 0;
    void* fence = nullptr;  ///< a CUDA event: what used the block last is done then
    bool shared = false;    ///< other processes have it mapped, so it must not be freed
  };

  /// What to get for `size` bytes: at most an eighth more, and 4 KiB at least.
  static std::size_t capacity_for(std::size_t size) noexcept;

  /// A free block of exactly that capacity, if there is one: the one given last.
  std::optional<Block> take(std::size_t capacity);
  void give(Block block);
  /// All free blocks that may be freed.
  std::vector<Block> take_all();

  std::size_t free_bytes() const noexcept { return free_bytes_; }

 private:
  std::map<std::size_t, std::vector<Block>> free_;
  std::size_t free_bytes_ = 0;
};

}  // namespace sluice::gpu
