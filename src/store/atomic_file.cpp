#include "store/atomic_file.hpp"

#include <sluice/error.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace sluice::store {
namespace {

[[noreturn]] void fail(std::string_view verb, const std::filesystem::path& path, int error) {
  throw IoError(fmt::format("cannot {} '{}': {}; check the folder's permissions and free space",
                            verb, path.string(), std::generic_category().message(error)));
}

void sync(const std::filesystem::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
  if (descriptor < 0) fail("open", path, errno);
  // Some file systems cannot sync a folder and say EINVAL; their renames are as safe as they get.
  const int error = ::fsync(descriptor) == 0 || errno == EINVAL ? 0 : errno;
  ::close(descriptor);
  if (error != 0) fail("write to disk", path, error);
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

// Ranks on other nodes may have the same process id.
std::string unique_suffix() {
  static std::atomic<unsigned> files{0};
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return fmt::format(".{}-{}-{}", host.data(), ::getpid(), files++);
}

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path path, Temporary temporary)
    : path_(std::move(path)), temporary_(path_) {
  if (temporary == Temporary::own) temporary_ += unique_suffix();
  temporary_ += ".partial";
  std::error_code error;
  std::filesystem::create_directories(folder_of(path_), error);
  if (error) fail("create the folder", folder_of(path_), error.value());
}

AtomicFile::~AtomicFile() {
  std::error_code ignored;
  if (!committed_) std::filesystem::remove(temporary_, ignored);
}

void AtomicFile::commit() {
  sync(temporary_, O_RDONLY);
  std::error_code error;
  std::filesystem::rename(temporary_, path_, error);
  if (error) fail("rename the finished file to", path_, error.value());
  committed_ = true;
  sync(folder_of(path_), O_RDONLY | O_DIRECTORY);
}

}  // namespace sluice::store
