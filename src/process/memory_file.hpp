#pragma once

#include "store/descriptor.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::process {

/// Memory that two processes share. It can grow up to its limit and never shrinks, whoever tries,
/// so what was once found to lie within it can be read at any time. All of the limit is mapped from
/// the start: nothing moves when it grows.
class MemoryFile {
 public:
  enum class Use { read_only, read_write };

  MemoryFile(const char* name, std::uint64_t limit, Use ours);
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::uint64_t limit() const noexcept { return limit_; }
  std::byte* at(std::uint64_t offset) const noexcept { return data_ + offset; }

  /// Makes it at least so long; at most the limit.
  void grow(std::uint64_t size);

  /// Whether the range is within the file now, as the other side may have made it longer.
  bool holds(std::uint64_t offset, std::uint64_t length);
  std::span<const std::byte> range(std::uint64_t offset, std::uint64_t length) const {
    return {data_ + offset, length};
  }

  int descriptor() const noexcept { return file_.get(); }
  /// One through which it can only be read.
  store::Descriptor read_only_descriptor() const;

 private:
  store::Descriptor file_;
  std::uint64_t limit_;
  std::uint64_t size_ = 0;  ///< as far as is known
  std::byte* data_ = nullptr;
};

}  // namespace sluice::process
