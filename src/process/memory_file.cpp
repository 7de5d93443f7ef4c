#include "process/memory_file.hpp"

#include "process/system.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>

namespace sluice::process {
namespace {

// Files grow in steps of this.
constexpr std::uint64_t step = 64 * 1024;

std::uint64_t rounded(std::uint64_t size) { return (size + step - 1) / step * step; }

}  // namespace

MemoryFile::MemoryFile(const char* name, std::uint64_t limit, Use ours)
    : file_(checked(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING), "make shared memory")),
      limit_(rounded(std::max<std::uint64_t>(limit, 1))) {
  checked(::fcntl(file_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL), "seal shared memory");
  const int protection = ours == Use::read_write ? PROT_READ | PROT_WRITE : PROT_READ;
  void* data = ::mmap(nullptr, limit_, protection, MAP_SHARED | MAP_NORESERVE, file_.get(), 0);
  checked(data == MAP_FAILED ? -1 : 0, fmt::format("map {} bytes of shared memory", limit_));
  data_ = static_cast<std::byte*>(data);
}

MemoryFile::~MemoryFile() { ::munmap(data_, limit_); }

void MemoryFile::grow(std::uint64_t size) {
  if (size <= size_) return;
  const auto wanted = std::min(limit_, rounded(size + size / 4));
  checked(uninterrupted([&] { return ::ftruncate(file_.get(), static_cast<off_t>(wanted)); }),
          "make shared memory longer");
  size_ = wanted;
}

bool MemoryFile::holds(std::uint64_t offset, std::uint64_t length) {
  if (offset > limit_ || length > limit_ - offset) return false;
  if (offset + length <= size_) return true;
  struct stat status {};
  checked(::fstat(file_.get(), &status), "look at shared memory");
  size_ = std::min(limit_, static_cast<std::uint64_t>(status.st_size));
  return offset + length <= size_;
}

store::Descriptor MemoryFile::read_only_descriptor() const {
  const auto path = fmt::format("/proc/self/fd/{}", file_.get());
  return store::Descriptor(
      checked(::open(path.c_str(), O_RDONLY | O_CLOEXEC), "open shared memory for reading"));
}

}  // namespace sluice::process
