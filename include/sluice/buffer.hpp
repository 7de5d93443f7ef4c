#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

struct BlockHandle;

class Buffer;

/// Where a buffer's bytes are: `pinned` is host memory that a GPU copies from and to by itself.
enum class Memory : std::uint8_t { host, pinned, device };

/// Memory of another kind than the host's, which knows how to copy what lies in it. Lives longer
/// than all buffers in it. Any thread may call it.
class BufferMemory {
 public:
  virtual ~BufferMemory() = default;
  virtual Memory kind() const noexcept = 0;
  /// The bytes in host memory, once everything that was to be written to them has been.
  virtual Buffer to_host(const Buffer& buffer) const = 0;
  /// Another buffer of this memory with the same bytes.
  virtual Buffer clone(const Buffer& buffer) const = 0;
};

/// A block of bytes with shared ownership: the payload of a record. Copying a Buffer shares the
/// bytes; writing through `mutable_data` copies them first if anyone else holds them, so a holder
/// never sees another's changes. Large blocks come from a process-wide pool and return to it; other
/// processes of the node may hold them too, and the same rules hold for those.
/// The bytes of a buffer on a GPU are for device code alone: `data` is an address on the device,
/// and `view` and comparisons of bytes are not to be had before `to_host` (docs/gpu.md). Not
/// thread-safe for one object; distinct objects that share bytes may be used by any thread.
class Buffer {
 public:
  Buffer() = default;

  /// `size` bytes, uninitialised.
  explicit Buffer(std::size_t size);

  /// A copy of the given bytes.
  static Buffer copy_of(std::string_view bytes);

  /// Takes over the string's bytes without copying them.
  static Buffer adopt(std::string bytes);

  /// Whether the bytes of a buffer may be changed at all.
  enum class Access { writable, read_only };

  /// Shares the first `size` of some bytes that whoever made them knows how to free. If they are
  /// writable, `mutable_data` copies them only if somebody else holds them.
  static Buffer share(std::shared_ptr<std::byte> bytes, std::size_t size,
                      Access access = Access::writable, const BufferMemory* memory = nullptr);

  const std::byte* data() const noexcept { return data_.get(); }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  std::string_view view() const noexcept {
    return {reinterpret_cast<const char*>(data_.get()), size_};
  }

  /// `size` bytes from `offset` on, which must lie within; shares all of this one's bytes.
  Buffer slice(std::size_t offset, std::size_t size) const;

  /// Writable bytes; copies them first if they are shared.
  std::byte* mutable_data();

  Memory memory() const noexcept { return memory_ == nullptr ? Memory::host : memory_->kind(); }
  /// Null for plain host memory.
  const BufferMemory* home() const noexcept { return memory_; }
  /// Itself if the host can read it, else a copy that it can.
  Buffer to_host() const;

  /// By their bytes; one on a device equals only those that share them.
  friend bool operator==(const Buffer& a, const Buffer& b) noexcept {
    const bool here = a.memory() != Memory::device && b.memory() != Memory::device;
    return here ? a.view() == b.view() : a.data_ == b.data_ && a.size_ == b.size_;
  }

 private:
  friend std::optional<BlockHandle> lend(const Buffer& buffer);
  friend Buffer borrow(const BlockHandle& handle, std::size_t size);

  std::shared_ptr<std::byte> data_;
  std::size_t size_ = 0;
  const BufferMemory* memory_ = nullptr;
  Access access_ = Access::writable;
};

}  // namespace sluice
