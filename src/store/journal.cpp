#include "store/journal.hpp"

#include "base/fault_point.hpp"
#include "store/checksum.hpp"
#include "store/disk.hpp"

#include <sluice/error.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <optional>
#include <sstream>
#include <system_error>
#include <utility>

namespace sluice::store {
namespace {

constexpr std::size_t seal_length = 17;  // 16 digits and a space

std::string sealed(std::string_view entry) {
  return fmt::format("{:016x} {}", checksum(entry), entry);
}

std::optional<std::string> opened(std::string_view line) {
  if (line.size() < seal_length) return std::nullopt;
  const auto entry = line.substr(seal_length);
  if (sealed(entry) != line) return std::nullopt;
  return std::string(entry);
}

[[noreturn]] void fail(const std::filesystem::path& path, std::string_view doing, int error) {
  throw IoError(
      fmt::format("cannot {} the journal '{}': {}; check the folder's permissions and "
                  "free space",
                  doing, path.string(), std::generic_category().message(error)));
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file || file.bad()) {
    throw InputError(fmt::format("the journal '{}' cannot be read", path.string()));
  }
  return std::move(text).str();
}

bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

JournalText Journal::read(const std::filesystem::path& path) {
  JournalText result;
  std::error_code missing;
  if (!std::filesystem::exists(path, missing)) return result;
  const auto text = text_of(path);
  std::string_view rest = text;
  for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    auto entry = opened(rest.substr(0, end));
    if (!entry) break;
    result.entries.push_back(*std::move(entry));
    rest.remove_prefix(end + 1);
  }
  result.bytes = text.size() - rest.size();
  result.dropped = rest.size();
  const auto next_line = rest.find('\n');
  result.damaged = next_line != std::string_view::npos && next_line + 1 < rest.size();
  return result;
}

Journal::Journal(std::filesystem::path path, std::uint64_t bytes)
    : path_(std::move(path)), bytes_(bytes) {
  file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file_ < 0) fail(path_, "open", errno);
  if (::ftruncate(file_, static_cast<off_t>(bytes)) != 0) {
    const int error = errno;
    ::close(file_);
    fail(path_, "shorten", error);
  }
  sync_to_disk(folder_of(path_));
}

Journal::~Journal() { ::close(file_); }

void Journal::append(std::string_view entry) {
  const auto line = sealed(entry) + '\n';
  fault_point("journal.before");
  const bool written = write_all(file_, std::string_view(line).substr(0, line.size() / 2)) &&
                       (fault_point("journal.torn"), true) &&
                       write_all(file_, std::string_view(line).substr(line.size() / 2)) &&
                       ::fdatasync(file_) == 0;
  if (!written) {
    const int error = errno;
    // Nothing can be done if even that fails: the reader drops the torn line.
    [[maybe_unused]] const int ignored = ::ftruncate(file_, static_cast<off_t>(bytes_));
    fail(path_, "write", error);
  }
  bytes_ += line.size();
  fault_point("journal.after");
}

}  // namespace sluice::store
