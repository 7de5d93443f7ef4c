#pragma once

#include "store/descriptor.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace sluice::process {

/// All that the file holds from the offset on; empty if it cannot be read.
std::string text_from(int file, std::uint64_t offset);

/// The last twenty lines of a text, and of each no more than one can read.
std::string last_lines_of(const std::string& text);

/// Each line on a line of its own, after four spaces; empty for an empty text.
std::string indented(const std::string& text);

/// The log of a stage's process: what it prints, and what is said about it.
class StageLog {
 public:
  /// Makes the file and its folder if need be, else goes on where it ends.
  explicit StageLog(std::filesystem::path path);

  int descriptor() const noexcept { return file_.get(); }
  const std::filesystem::path& path() const noexcept { return path_; }

  /// What is printed from now on is of another process.
  void begin();
  void note(const std::string& text);
  /// Of the process that began last.
  std::string last_lines() const;

 private:
  std::filesystem::path path_;
  store::Descriptor file_;
  std::uint64_t begin_ = 0;
};

}  // namespace sluice::process
