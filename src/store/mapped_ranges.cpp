#include "store/mapped_ranges.hpp"

#include "store/descriptor.hpp"

#include <sluice/error.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <system_error>
#include <utility>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22  // of Linux 5.14
#endif
#ifndef SYS_cachestat
#define SYS_cachestat 451  // of Linux 6.5; older ones refuse it
#endif

namespace sluice::store {
namespace {

constexpr std::uint64_t read_ahead = 2 << 20;
constexpr std::uint64_t most_behind = 16 << 20;

std::uint64_t page() noexcept { return static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)); }

std::uint64_t pages(std::uint64_t bytes) noexcept { return (bytes + page() - 1) / page() * page(); }

// What lies behind the end of a file can be mapped, but not be touched.
bool can_be_mapped(int file, std::span<const FileRange> ranges) {
  struct stat status {};
  if (file < 0 || ranges.empty() || ::fstat(file, &status) != 0) return false;
  const auto size = static_cast<std::uint64_t>(status.st_size);
  return std::all_of(ranges.begin(), ranges.end(), [size](const FileRange& range) {
    return range.offset % page() == 0 && range.size % page() == 0 && range.offset <= size &&
           range.size <= size - range.offset;
  });
}

// Address space for all of them, and each in its place there.
std::byte* map_all(int file, std::span<const FileRange> ranges, std::uint64_t size) {
  constexpr int flags = MAP_PRIVATE | MAP_NORESERVE;
  void* base = ::mmap(nullptr, size, PROT_NONE, flags | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) return nullptr;
  auto* place = static_cast<std::byte*>(base);
  for (const auto& range : ranges) {
    if (::mmap(place, range.size, PROT_READ | PROT_WRITE, flags | MAP_FIXED, file,
               static_cast<off_t>(range.offset)) == MAP_FAILED) {
      ::munmap(base, size);
      return nullptr;
    }
    place += range.size;
  }
  return static_cast<std::byte*>(base);
}

// False also if the kernel doesn't say: before Linux 6.5, or of others' files.
bool in_page_cache(int file, std::span<const FileRange> ranges) {
  return std::all_of(ranges.begin(), ranges.end(), [file](const FileRange& range) {
    struct {
      std::uint64_t cached, dirty, written_back, evicted, evicted_recently;
    } pages{};
    return ::syscall(SYS_cachestat, file, &range, &pages, 0U) == 0 &&
           pages.cached * page() >= range.size;
  });
}

// Where touching a page that the disk cannot give would end the process, this returns the error.
int bring_in(std::byte* begin, std::uint64_t size) {
  if (::madvise(begin, size, MADV_POPULATE_READ) == 0 || errno == EINVAL) return 0;
  return errno == EFAULT ? EIO : errno;
}

}  // namespace

MappedRanges::MappedRanges(std::string doing, const std::filesystem::path& path,
                           std::span<const FileRange> ranges)
    : doing_(std::move(doing)) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!can_be_mapped(file.get(), ranges)) return;
  const auto size =
      std::accumulate(ranges.begin(), ranges.end(), std::uint64_t{0},
                      [](std::uint64_t sum, const FileRange& range) { return sum + range.size; });
  auto* base = map_all(file.get(), ranges, size);
  if (base == nullptr) return;
  size_ = size;
  cached_ = in_page_cache(file.get(), ranges);
  data_ = {base, [size](std::byte* mapped) { ::munmap(mapped, size); }};
}

Buffer MappedRanges::read(std::uint64_t offset, std::uint64_t size) {
  if (offset > size_ || size > size_ - offset) fail(ERANGE);
  auto* all = data_.get();
  const auto begin = offset - offset % page();
  const auto end = pages(offset + size);
  if (!cached_) {
    const auto ahead = std::min(end + read_ahead, size_);
    ::madvise(all + begin, ahead - begin, MADV_WILLNEED);
    if (const int error = bring_in(all + begin, end - begin); error != 0) fail(error);
  }
  // Nobody has written to pages while this holds them too, so none of these is lost.
  if (begin > given_back_ + 2 * most_behind) {
    ::madvise(all + given_back_, begin - most_behind - given_back_, MADV_DONTNEED);
    given_back_ = begin - most_behind;
  }
  return Buffer::share({data_, all + offset}, size);
}

void MappedRanges::fail(int error) const {
  throw IoError(fmt::format("{}: {}", doing_, std::generic_category().message(error)));
}

}  // namespace sluice::store
