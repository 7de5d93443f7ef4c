#include "store/space_ahead.hpp"

#include <sluice/error.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace sluice::store {
namespace {

constexpr std::uint64_t step = 8 << 20;

}  // namespace

SpaceAhead::SpaceAhead(const std::filesystem::path& path)
    : path_(path), file_(::open(path.c_str(), O_WRONLY | O_CLOEXEC)) {
  if (file_ < 0) fail();
}

SpaceAhead::~SpaceAhead() { ::close(file_); }

void SpaceAhead::reserve(std::uint64_t size) noexcept {
  while (reserved_ < size) {
    ::fallocate(file_, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(reserved_), step);
    reserved_ += step;
  }
}

std::uint64_t SpaceAhead::size() const {
  struct stat status {};
  if (::fstat(file_, &status) != 0) fail();
  return static_cast<std::uint64_t>(status.st_size);
}

void SpaceAhead::finish(std::string_view head) {
  if (::ftruncate(file_, static_cast<off_t>(size())) != 0) fail();
  for (off_t at = 0; !head.empty();) {
    const auto written = ::pwrite(file_, head.data(), head.size(), at);
    if (written < 0 && errno != EINTR) fail();
    if (written <= 0) continue;
    head.remove_prefix(static_cast<std::size_t>(written));
    at += written;
  }
}

void SpaceAhead::fail() const {
  throw IoError(fmt::format("cannot write '{}': {}; check the folder's permissions and free space",
                            path_.string(), std::generic_category().message(errno)));
}

}  // namespace sluice::store
