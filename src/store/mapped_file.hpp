#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>

namespace sluice::store {

/// A file's bytes, mapped into memory for reading; nobody may shorten it meanwhile.
class MappedFile {
 public:
  /// Throws IoError.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const noexcept { return {static_cast<const char*>(data_), size_}; }

 private:
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace sluice::store
