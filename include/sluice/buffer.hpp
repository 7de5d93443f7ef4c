#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

struct BlockHandle;

/// A block of bytes with shared ownership: the payload of a record. Copying a Buffer shares the
/// bytes; writing through `mutable_data` copies them first if anyone else holds them, so a holder
/// never sees another's changes. Large blocks come from a process-wide pool and return to it; other
/// processes of the node may hold them too, and the same rules hold for those.
/// Not thread-safe for one object; distinct objects that share bytes may be used by any thread.
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
                      Access access = Access::writable);

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

  friend bool operator==(const Buffer& a, const Buffer& b) noexcept { return a.view() == b.view(); }

 private:
  friend std::optional<BlockHandle> lend(const Buffer& buffer);
  friend Buffer borrow(const BlockHandle& handle, std::size_t size);

  std::shared_ptr<std::byte> data_;
  std::size_t size_ = 0;
  Access access_ = Access::writable;
};

}  // namespace sluice
