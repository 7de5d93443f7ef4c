#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace sluice::store {

/// Reserves disk space for a file that someone else writes from front to back, some megabytes ahead
/// of them: a file system that need not look for blocks page by page writes a third faster. Where
/// that cannot be had, nothing is reserved and nobody is told.
class SpaceAhead {
 public:
  /// The file must exist; throws IoError.
  explicit SpaceAhead(const std::filesystem::path& path);
  ~SpaceAhead();
  SpaceAhead(const SpaceAhead&) = delete;
  SpaceAhead& operator=(const SpaceAhead&) = delete;

  /// Before the file grows to about `size` bytes.
  void reserve(std::uint64_t size) noexcept;

  /// The file's size; throws IoError.
  std::uint64_t size() const;
  /// When the other writer has closed the file: gives back what was not needed, and puts `head` at
  /// the file's front. Throws IoError.
  void finish(std::string_view head);

 private:
  [[noreturn]] void fail() const;

  std::filesystem::path path_;
  int file_;
  std::uint64_t reserved_ = 0;
};

}  // namespace sluice::store
