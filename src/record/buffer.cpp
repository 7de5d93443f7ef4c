#include <sluice/buffer.hpp>

#include "record/block_lease.hpp"
#include "record/buffer_pool.hpp"

#include <atomic>
#include <cstring>
#include <utility>

namespace sluice {

Buffer::Buffer(std::size_t size) : data_(allocate_block(size)), size_(size) {}

Buffer Buffer::copy_of(std::string_view bytes) {
  Buffer buffer(bytes.size());
  if (!bytes.empty()) std::memcpy(buffer.data_.get(), bytes.data(), bytes.size());
  return buffer;
}

Buffer Buffer::adopt(std::string bytes) {
  Buffer buffer;
  buffer.size_ = bytes.size();
  if (bytes.empty()) return buffer;
  auto owner = std::make_shared<std::string>(std::move(bytes));
  auto* data = reinterpret_cast<std::byte*>(owner->data());
  buffer.data_ = std::shared_ptr<std::byte>(std::move(owner), data);
  return buffer;
}

Buffer Buffer::share(std::shared_ptr<std::byte> bytes, std::size_t size, Access access,
                     const BufferMemory* memory) {
  Buffer buffer;
  buffer.memory_ = memory;
  buffer.access_ = access;
  buffer.data_ = std::move(bytes);
  buffer.size_ = size;
  return buffer;
}

Buffer Buffer::slice(std::size_t offset, std::size_t size) const {
  Buffer part;
  part.size_ = size;
  part.access_ = access_;
  part.memory_ = memory_;
  if (size > 0) part.data_ = std::shared_ptr<std::byte>(data_, data_.get() + offset);
  return part;
}

std::byte* Buffer::mutable_data() {
  const bool is_own = access_ == Access::writable && data_.use_count() <= 1;
  if (!is_own || (memory_ == nullptr && held_elsewhere(data_))) {
    *this = memory() == Memory::device ? memory_->clone(*this) : copy_of(view());
  }
  // Whoever shared the bytes has done reading them.
  std::atomic_thread_fence(std::memory_order_acquire);
  return data_.get();
}

Buffer Buffer::to_host() const {
  return memory() == Memory::device ? memory_->to_host(*this) : *this;
}

}  // namespace sluice
