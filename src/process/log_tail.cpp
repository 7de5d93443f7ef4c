#include "process/log_tail.hpp"

#include "base/text_width.hpp"

#include <sluice/error.hpp>

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <deque>
#include <sstream>
#include <system_error>

namespace sluice::process {
namespace {

constexpr std::size_t most_lines = 20;
constexpr std::size_t longest_line = 400;
constexpr std::uint64_t most_bytes = 16 * 1024;

std::uint64_t size_of_file(int file) {
  struct stat status {};
  return ::fstat(file, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

}  // namespace

std::string text_from(int file, std::uint64_t offset) {
  const auto size = size_of_file(file);
  std::string text(size > offset ? size - offset : 0, '\0');
  std::size_t read = 0;
  while (read < text.size()) {
    const auto count =
        ::pread(file, text.data() + read, text.size() - read, static_cast<off_t>(offset + read));
    if (count <= 0) break;
    read += static_cast<std::size_t>(count);
  }
  text.resize(read);
  return text;
}

std::string last_lines_of(const std::string& text) {
  std::deque<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (line.size() > longest_line) line = std::string(whole_beginning(line, longest_line)) + " …";
    lines.push_back(std::move(line));
    if (lines.size() > most_lines) lines.pop_front();
  }
  std::string last;
  for (const auto& line : lines) last += line + "\n";
  return last;
}

std::string indented(const std::string& text) {
  std::string result;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) result += "\n    " + line;
  return result;
}

StageLog::StageLog(std::filesystem::path path) : path_(std::move(path)) {
  std::error_code error;
  std::filesystem::create_directories(path_.parent_path(), error);
  constexpr int flags = O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC;
  file_ = store::Descriptor(::open(path_.c_str(), flags, 0666));
  if (file_.get() >= 0) return;
  throw IoError(fmt::format("cannot write the log '{}': {}", path_.string(),
                            std::generic_category().message(errno)));
}

void StageLog::begin() { begin_ = size_of_file(file_.get()); }

// A log that cannot be written is no reason to stop.
void StageLog::note(const std::string& text) {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  const auto line = fmt::format("[sluice {:%FT%TZ}] {}\n", fmt::gmtime(now), text);
  [[maybe_unused]] const auto written = ::write(file_.get(), line.data(), line.size());
}

std::string StageLog::last_lines() const {
  const auto size = size_of_file(file_.get());
  const auto from = std::max(begin_, size > most_bytes ? size - most_bytes : 0);
  return last_lines_of(text_from(file_.get(), from));
}

}  // namespace sluice::process
