#include "record/buffer_pool.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <mutex>
#include <new>
#include <unordered_map>
#include <vector>

namespace sluice {
namespace {

constexpr std::size_t smallest_pooled = 64UL * 1024;
constexpr std::size_t most_kept = 256UL * 1024 * 1024;
constexpr std::align_val_t alignment{64};

// Four classes per power of two: at most a quarter of a block is unused.
std::size_t class_of(std::size_t size) {
  const std::size_t step = std::max<std::size_t>(std::bit_floor(size) / 4, 1);
  return (size + step - 1) / step * step;
}

class Pool {
 public:
  std::byte* take(std::size_t class_size) {
    {
      const std::lock_guard lock(mutex_);
      auto& blocks = free_[class_size];
      if (!blocks.empty()) {
        std::byte* block = blocks.back();
        blocks.pop_back();
        kept_ -= class_size;
        return block;
      }
    }
    return static_cast<std::byte*>(::operator new(class_size, alignment));
  }

  void give(std::byte* block, std::size_t class_size) noexcept {
    try {
      const std::lock_guard lock(mutex_);
      if (kept_ + class_size <= most_kept) {
        free_[class_size].push_back(block);
        kept_ += class_size;
        return;
      }
    } catch (const std::bad_alloc&) {
      // No room to remember the block: release it instead.
    }
    ::operator delete(block, alignment);
  }

  // Leaked on purpose: buffers may outlive static destruction.
  static Pool& instance() {
    static Pool* pool = new Pool;
    return *pool;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::size_t, std::vector<std::byte*>> free_;
  std::size_t kept_ = 0;
};

}  // namespace

std::shared_ptr<std::byte> allocate_block(std::size_t size) {
  if (size == 0) return nullptr;
  if (size < smallest_pooled) return {new std::byte[size], std::default_delete<std::byte[]>()};
  const std::size_t class_size = class_of(size);
  return {Pool::instance().take(class_size),
          [class_size](std::byte* block) { Pool::instance().give(block, class_size); }};
}

}  // namespace sluice
