#include "job/read_file.hpp"

#include <sluice/error.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace sluice::job {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, int error) {
  throw InputError(
      fmt::format("cannot read '{}': {}", path.string(), std::generic_category().message(error)));
}

class Descriptor {
 public:
  explicit Descriptor(const std::filesystem::path& path)
      : number_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (number_ < 0) fail(path, errno);
  }
  ~Descriptor() { ::close(number_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const noexcept { return number_; }

 private:
  int number_;
};

// Fills the block from the file; returns how much there was.
std::size_t read_into(const Descriptor& file, const std::filesystem::path& path, char* block,
                      std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    const auto got = ::read(file.number(), block + done, size - done);
    if (got == 0) break;
    if (got < 0 && errno != EINTR) fail(path, errno);
    if (got > 0) done += static_cast<std::size_t>(got);
  }
  return done;
}

// Pipes and the files of /proc do not know their size.
Buffer read_unsized(const Descriptor& file, const std::filesystem::path& path) {
  std::string bytes;
  for (std::size_t got = 1; got != 0;) {
    const std::size_t before = bytes.size();
    bytes.resize(before + 65536);
    got = read_into(file, path, bytes.data() + before, 65536);
    bytes.resize(before + got);
  }
  return Buffer::adopt(std::move(bytes));
}

}  // namespace

Buffer read_file(const std::filesystem::path& path) {
  const Descriptor file(path);
  struct stat status {};
  if (::fstat(file.number(), &status) != 0) fail(path, errno);
  if (!S_ISREG(status.st_mode) || status.st_size == 0) return read_unsized(file, path);
  Buffer bytes(static_cast<std::size_t>(status.st_size));
  const auto got =
      read_into(file, path, reinterpret_cast<char*>(bytes.mutable_data()), bytes.size());
  if (got == bytes.size()) return bytes;
  throw InputError(fmt::format("'{}' became shorter while it was read", path.string()));
}

}  // namespace sluice::job
