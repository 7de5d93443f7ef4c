#include "store/mapped_file.hpp"

#include <sluice/error.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace sluice::store {

MappedFile::MappedFile(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status {};
  bool done = file >= 0 && ::fstat(file, &status) == 0;
  if (done && status.st_size > 0) {
    size_ = static_cast<std::size_t>(status.st_size);
    data_ = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file, 0);
    done = data_ != MAP_FAILED;
  }
  const int error = errno;
  if (file >= 0) ::close(file);
  if (done) return;
  throw IoError(
      fmt::format("cannot read '{}': {}", path.string(), std::generic_category().message(error)));
}

MappedFile::~MappedFile() {
  if (size_ > 0) ::munmap(data_, size_);
}

}  // namespace sluice::store
