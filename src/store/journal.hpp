#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::store {

/// What could be read of a journal.
struct JournalText {
  std::vector<std::string> entries;  ///< in the order in which they were appended
  std::uint64_t bytes = 0;           ///< that they take up, from the file's start
  std::uint64_t dropped = 0;         ///< bytes after them: a torn tail, or damage and what follows
  bool damaged = false;              ///< more than the last line is dropped
};

/// An append-only file of lines, each with its checksum (docs/resume.md). Only what comes before
/// the first line that is torn or damaged counts, so that it always says what was true at some time
/// in the past. For one thread of one process.
class Journal {
 public:
  /// Nothing if there is no such file; throws InputError if it cannot be read.
  static JournalText read(const std::filesystem::path& path);

  /// Goes on after its first `bytes` bytes; what follows them is cut off. 0: a new journal, in
  /// place of one that may be there. Throws IoError.
  explicit Journal(std::filesystem::path path, std::uint64_t bytes = 0);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// One line, on the disk when this returns. If it cannot be written nothing of it stays, and
  /// IoError is thrown.
  void append(std::string_view entry);

  std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  std::filesystem::path path_;
  int file_ = -1;
  std::uint64_t bytes_ = 0;
};

}  // namespace sluice::store
