#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace sluice::store {

/// Bytes on their way from one thread to another. Neither waits for the other: what there is no
/// room for is for the first one to keep or drop.
class ByteRing {
 public:
  explicit ByteRing(std::size_t size)
      : size_(size), bytes_(std::make_unique_for_overwrite<char[]>(size)) {}

  std::size_t size() const noexcept { return size_; }

  // The thread that puts bytes in.
  std::size_t used() const noexcept {
    return static_cast<std::size_t>(put_.load(std::memory_order_relaxed) -
                                    taken_.load(std::memory_order_acquire));
  }
  /// There must be room for them; the other thread sees all or none of them.
  void put(std::string_view bytes) noexcept {
    const auto at = put_.load(std::memory_order_relaxed);
    const auto place = static_cast<std::size_t>(at % size_);
    const auto before_end = std::min(bytes.size(), size_ - place);
    std::memcpy(bytes_.get() + place, bytes.data(), before_end);
    std::memcpy(bytes_.get(), bytes.data() + before_end, bytes.size() - before_end);
    put_.store(at + bytes.size(), std::memory_order_release);
  }

  // The thread that takes them out.
  /// In two parts, since they may go on at the front.
  std::array<std::string_view, 2> waiting() const noexcept {
    const auto at = taken_.load(std::memory_order_relaxed);
    const auto count = static_cast<std::size_t>(put_.load(std::memory_order_acquire) - at);
    const auto place = static_cast<std::size_t>(at % size_);
    const auto before_end = std::min(count, size_ - place);
    return {std::string_view(bytes_.get() + place, before_end),
            std::string_view(bytes_.get(), count - before_end)};
  }
  void take(std::size_t count) noexcept {
    taken_.store(taken_.load(std::memory_order_relaxed) + count, std::memory_order_release);
  }

 private:
  const std::size_t size_;
  const std::unique_ptr<char[]> bytes_;
  // Since the beginning; a cache line each, since two threads write them.
  alignas(64) std::atomic<std::uint64_t> put_ = 0;
  alignas(64) std::atomic<std::uint64_t> taken_ = 0;
};

}  // namespace sluice::store
