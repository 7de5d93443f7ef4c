#include "record/buffer_pool.hpp"

#include "record/block_lease.hpp"

#include <pthread.h>

#include <algorithm>
#include <bit>
#include <new>

namespace sluice {
namespace {

constexpr std::size_t smallest_pooled = 4 * granule;
constexpr std::align_val_t alignment{64};

// What the address sanitizer may poison behind each block.
#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t red_zone = 64;
#else
constexpr std::size_t red_zone = 0;
#endif

std::shared_ptr<std::byte> allocate_on_heap(std::size_t size) {
  return {static_cast<std::byte*>(::operator new(size, alignment)),
          [](std::byte* block) { ::operator delete(block, alignment); }};
}

}  // namespace

std::shared_ptr<std::byte> allocate_block(std::size_t size) {
  if (size == 0) return nullptr;
  if (size < smallest_pooled) return {new std::byte[size], std::default_delete<std::byte[]>()};
  auto block = BufferPool::instance().allocate(size);
  return block != nullptr ? block : allocate_on_heap(size);
}

BufferPool& BufferPool::instance() {
  static auto* pool = new BufferPool;
  return *pool;
}

// A fork waits until no other thread is inside, so that the child finds everything in order.
BufferPool::BufferPool() {
  pthread_atfork([] { instance().mutex_.lock(); }, [] { instance().mutex_.unlock(); },
                 [] { instance().start_over_after_fork(); });
}

void BufferPool::start_over_after_fork() noexcept {
  if (arena_ != nullptr) {
    arena_->set_inherited();
    inherited_.push_back(std::move(arena_));
  }
  arena_tried_ = false;
  kept_ = hollow_ = {};
  kept_bytes_ = 0;
  mutex_.unlock();
}

Arena* BufferPool::arena() {
  const std::lock_guard lock(mutex_);
  return make_arena();
}

std::shared_ptr<std::byte> BufferPool::allocate(std::size_t size) {
  const BlockIndex block = take(size);
  if (block == 0) return nullptr;
  arena_->header(block).references.exchange(1, std::memory_order_acquire);
  return lease_new(*arena_, block, size);
}

void BufferPool::give(BlockIndex block) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (keep(block)) return;
  }
  arena_->hollow_out(block);
  const std::lock_guard lock(mutex_);
  push(hollow_, block);
}

BufferPool::SizeClass BufferPool::class_of(std::size_t granules) noexcept {
  granules = std::max(granules, smallest_pooled / granule);
  const auto octave = static_cast<std::size_t>(std::bit_width(granules / 8));
  const std::size_t quarters =
      ((granules - 1) >> octave) + 1;  // of the octave's power, from 4 to 8
  return {static_cast<std::uint32_t>(quarters << octave), 4 * octave + quarters - 4};
}

BlockIndex BufferPool::take(std::size_t size) {
  BlockIndex block = 0;
  {
    const std::lock_guard lock(mutex_);
    const Arena* arena = make_arena();
    if (arena == nullptr || size > arena->address().bytes) return 0;
    const SizeClass wanted = class_of((size + red_zone + granule - 1) / granule);
    block = take_kept(wanted);
    if (block != 0) return block;
    block = take_hollow(wanted);
    if (block == 0) return 0;
  }
  if (arena_->fill(block)) return block;
  arena_->hollow_out(block);
  const std::lock_guard lock(mutex_);
  push(hollow_, block);
  return 0;
}

Arena* BufferPool::make_arena() {
  if (!arena_tried_) {
    arena_tried_ = true;
    arena_ = Arena::create();
    if (arena_ != nullptr) untouched_ = arena_->first_block();
  }
  return arena_.get();
}

BlockIndex BufferPool::take_kept(const SizeClass& wanted) noexcept {
  if (kept_[wanted.index] == 0) collect_returned();
  const BlockIndex block = pop(kept_, wanted.index);
  if (block != 0) kept_bytes_ -= arena_->bytes(block);
  return block;
}

BlockIndex BufferPool::take_hollow(const SizeClass& wanted) noexcept {
  if (hollow_[wanted.index] != 0) return pop(hollow_, wanted.index);
  if (arena_->granules() - untouched_ < wanted.granules) return 0;
  if (!arena_->fill_header(untouched_)) return 0;
  const BlockIndex block = untouched_;
  untouched_ += wanted.granules;
  arena_->header(block).granules = wanted.granules;
  return block;
}

void BufferPool::collect_returned() noexcept {
  for (BlockIndex block = arena_->take_returned(); block != 0;) {
    const BlockIndex next = arena_->header(block).next;
    if (arena_->is_hollow(block) || !keep(block)) {
      arena_->hollow_out(block);
      push(hollow_, block);
    }
    block = next;
  }
}

bool BufferPool::keep(BlockIndex block) noexcept {
  const std::size_t bytes = arena_->bytes(block);
  if (kept_bytes_ + bytes > most_kept) return false;
  kept_bytes_ += bytes;
  push(kept_, block);
  return true;
}

BlockIndex BufferPool::pop(Lists& lists, std::size_t index) noexcept {
  const BlockIndex block = lists[index];
  if (block != 0) lists[index] = arena_->header(block).next;
  return block;
}

void BufferPool::push(Lists& lists, BlockIndex block) noexcept {
  auto& header = arena_->header(block);
  auto& top = lists[class_of(header.granules).index];
  header.next = top;
  top = block;
}

}  // namespace sluice
