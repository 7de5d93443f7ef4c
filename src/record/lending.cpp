#include "record/lending.hpp"

#include <sluice/error.hpp>

#include "record/block_lease.hpp"
#include "record/buffer_pool.hpp"

#include <fmt/format.h>
#include <pthread.h>

#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sluice {
namespace {

/// Other processes' arenas. They stay mapped, because buffers may lie in them.
class Peers {
 public:
  static Peers& instance() {
    static auto* peers = new Peers;
    return *peers;
  }

  bool attach(std::uint32_t number, const ArenaAddress& address) {
    const std::lock_guard lock(mutex_);
    Arena* arena = mapped(address.token);
    if (arena == nullptr) {
      auto attached = Arena::attach(address);
      if (attached == nullptr) return false;
      arena = arenas_.emplace_back(std::move(attached)).get();
    }
    const auto [named, is_new] = by_number_.try_emplace(number, arena);
    if (!is_new) std::exchange(named->second, arena)->set_number(no_number);
    arena->set_number(number);
    return true;
  }

  Arena* find(std::uint32_t number) {
    const std::lock_guard lock(mutex_);
    const auto found = by_number_.find(number);
    // It may have been called otherwise since.
    const bool known = found != by_number_.end() && found->second->number() == number;
    return known ? found->second : nullptr;
  }

 private:
  Peers() {
    pthread_atfork([] { instance().mutex_.lock(); }, [] { instance().mutex_.unlock(); },
                   [] { instance().start_over_after_fork(); });
  }

  void start_over_after_fork() noexcept {
    for (auto& arena : arenas_) arena->set_inherited();
    by_number_.clear();
    mutex_.unlock();
  }

  Arena* mapped(std::uint64_t token) {
    for (auto& arena : arenas_) {
      if (arena->address().token == token && !arena->inherited()) return arena.get();
    }
    return nullptr;
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<Arena>> arenas_;
  std::unordered_map<std::uint32_t, Arena*> by_number_;
};

struct Place {
  Arena& arena;
  BlockIndex block;
};

[[noreturn]] void refuse(const BlockHandle& handle, const char* reason) {
  throw DecodeError(fmt::format("the handle of a buffer at offset {} of arena {} {}", handle.offset,
                                handle.arena, reason));
}

Place find_block(const BlockHandle& handle, std::size_t size) {
  Arena* own = BufferPool::instance().arena();
  const bool is_own = own != nullptr && own->number() == handle.arena;
  Arena* arena = is_own ? own : Peers::instance().find(handle.arena);
  if (arena == nullptr) refuse(handle, "leads to an arena that this process has not attached");
  const std::uint64_t block = handle.offset / granule;
  if (handle.offset % granule != 0 || block < arena->first_block() || block >= arena->granules()) {
    refuse(handle, "leads to no block");
  }
  const auto index = static_cast<BlockIndex>(block);
  if (arena->header(index).references.load(std::memory_order_relaxed) == 0) {
    refuse(handle, "leads to no block that is in use");
  }
  if (arena->bytes(index) < size)
    refuse(handle, "leads to a block that is smaller than the buffer");
  return {*arena, index};
}

}  // namespace

std::optional<ArenaAddress> own_arena() {
  const Arena* arena = BufferPool::instance().arena();
  if (arena == nullptr) return std::nullopt;
  return arena->address();
}

void set_own_number(std::uint32_t number) {
  Arena* arena = BufferPool::instance().arena();
  if (arena != nullptr) arena->set_number(number);
}

bool attach_arena(std::uint32_t number, const ArenaAddress& address) {
  return Peers::instance().attach(number, address);
}

std::optional<BlockHandle> lend(const Buffer& buffer) {
  const auto* lease = std::get_deleter<BlockLease>(buffer.data_);
  if (lease == nullptr || lease->arena->inherited()) return std::nullopt;
  const std::int64_t number = lease->arena->number();
  // A handle leads to where a block begins; a slice may begin anywhere in it.
  const bool begins_block = buffer.data() == lease->arena->payload(lease->block);
  if (number < 0 || !begins_block) return std::nullopt;
  lease->arena->header(lease->block).references.fetch_add(1, std::memory_order_relaxed);
  return BlockHandle{static_cast<std::uint32_t>(number), lease->block * granule};
}

Buffer borrow(const BlockHandle& handle, std::size_t size) {
  const auto [arena, block] = find_block(handle, size);
  Buffer buffer;
  buffer.data_ = lease(arena, block, size);
  buffer.size_ = size;
  return buffer;
}

void give_back(const BlockHandle& handle) {
  const auto [arena, block] = find_block(handle, 0);
  release(arena, block);
}

}  // namespace sluice
