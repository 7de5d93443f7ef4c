#pragma once

#include <sluice/buffer.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace sluice::store {

/// Bytes of a file, from `offset` on.
struct FileRange {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

/// Ranges of a file, one after the other in memory, as the kernel's page cache holds them: no byte
/// is copied before someone writes to it, and that stays his own. The file must keep its length.
class MappedRanges {
 public:
  MappedRanges() = default;
  /// Maps nothing if that is not possible: ranges must be whole pages, within the file. `doing`
  /// begins errors ("cannot read 'a.h5'").
  MappedRanges(std::string doing, const std::filesystem::path& path,
               std::span<const FileRange> ranges);

  /// Whether anything is mapped.
  explicit operator bool() const noexcept { return data_ != nullptr; }

  /// `size` bytes from `offset` on, in memory; more than none. Throws IoError if they lie outside,
  /// or the file cannot be read. Pages that were read long before may be given back to the kernel,
  /// which brings them in again when they are used.
  Buffer read(std::uint64_t offset, std::uint64_t size);

 private:
  [[noreturn]] void fail(int error) const;

  std::string doing_;
  std::shared_ptr<std::byte> data_;
  std::uint64_t size_ = 0;
  bool cached_ = false;           ///< all of it, when it was mapped
  std::uint64_t given_back_ = 0;  ///< of the pages from the front on
};

}  // namespace sluice::store
