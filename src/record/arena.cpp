#include "record/arena.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <random>
#include <string>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23  // of Linux 5.14
#endif

namespace sluice {

// The file begins with the headers of all granules. Those that hold headers are no blocks, and in
// the place of the first few of their own headers lies this.
struct Arena::Head {
  std::uint64_t token;
  std::atomic<BlockIndex> returned;           ///< top of the return stack
  std::atomic<std::uint64_t> returned_bytes;  ///< on it, more or less
};

namespace {

constexpr std::uint64_t most_bytes = 64UL << 30;
constexpr std::uint64_t least_bytes = 1UL << 20;
constexpr BlockIndex head_slots = 4;

std::uint64_t limit(__rlimit_resource resource) noexcept {
  rlimit value{};
  return getrlimit(resource, &value) == 0 ? value.rlim_cur : RLIM_INFINITY;
}

std::size_t page_bytes() noexcept { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }

// Arenas spend address space freely, and so stay away where it is limited. Nor do they fit pages
// that are larger than granules.
bool arenas_fit() noexcept { return limit(RLIMIT_AS) == RLIM_INFINITY && page_bytes() <= granule; }

// A longer file than its limit allows would end the process by a signal.
std::uint64_t affordable_bytes() noexcept {
  const std::uint64_t memory = static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * page_bytes();
  return std::min({most_bytes, 2 * memory, static_cast<std::uint64_t>(limit(RLIMIT_FSIZE))}) /
         granule * granule;
}

std::uint64_t new_token() {
  std::random_device random;
  return std::uint64_t{random()} << 32 | random();
}

// Where a page fault for want of memory would be a SIGBUS, this is an answer.
bool populate(std::byte* begin, std::size_t bytes, int fd, std::size_t offset) noexcept {
  const std::size_t page = page_bytes();
  const std::size_t before = offset % page;
  begin -= before;
  bytes = (bytes + before + page - 1) / page * page;
  if (madvise(begin, bytes, MADV_POPULATE_WRITE) == 0) return true;
  if (errno != EINVAL) return false;
  return fallocate(fd, 0, static_cast<off_t>(offset - before), static_cast<off_t>(bytes)) == 0;
}

// Looks before it opens: what an unrelated process has there may mind being opened.
int open_file(const ArenaAddress& address) {
  const std::string path =
      "/proc/" + std::to_string(address.pid) + "/fd/" + std::to_string(address.fd);
  struct stat status {};
  if (stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return -1;
  if (static_cast<std::uint64_t>(status.st_size) != address.bytes) return -1;
  return open(path.c_str(), O_RDWR | O_CLOEXEC);
}

}  // namespace

std::unique_ptr<Arena> Arena::create() {
  const std::uint64_t bytes = affordable_bytes();
  if (!arenas_fit() || bytes < least_bytes) return nullptr;
  const int fd = memfd_create("sluice-arena", MFD_CLOEXEC);
  if (fd < 0) return nullptr;
  std::unique_ptr<Arena> arena;
  if (ftruncate(fd, static_cast<off_t>(bytes)) == 0) {
    arena = map(fd, {getpid(), fd, bytes, new_token()}, true);
  }
  if (arena == nullptr) {
    close(fd);
  } else if (populate(arena->base_, sizeof(Head), fd, 0)) {
    new (&arena->head()) Head{arena->address_.token, 0, 0};
  } else {
    arena.reset();
  }
  return arena;
}

std::unique_ptr<Arena> Arena::attach(const ArenaAddress& address) {
  if (!arenas_fit() || address.bytes < least_bytes) return nullptr;
  const int fd = open_file(address);
  if (fd < 0) return nullptr;
  std::unique_ptr<Arena> arena;
  std::uint64_t token = 0;
  if (pread(fd, &token, sizeof token, 0) == sizeof token && token == address.token) {
    arena = map(fd, address, false);
  }
  close(fd);
  return arena;
}

std::unique_ptr<Arena> Arena::map(int fd, const ArenaAddress& address, bool own) {
  void* base =
      mmap(nullptr, address.bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
  if (base == MAP_FAILED) return nullptr;
  // A core dump would fill every hole of the file with memory.
  madvise(base, address.bytes, MADV_DONTDUMP);
  return std::unique_ptr<Arena>(new Arena(static_cast<std::byte*>(base), address, own));
}

Arena::~Arena() {
  munmap(base_, address_.bytes);
  if (own_) close(address_.fd);
}

Arena::Head& Arena::head() const noexcept {
  static_assert(sizeof(Head) <= head_slots * sizeof(BlockHeader));
  return *reinterpret_cast<Head*>(base_);
}

BlockHeader& Arena::header(BlockIndex block) const noexcept {
  return reinterpret_cast<BlockHeader*>(base_)[block];
}

BlockIndex Arena::first_block() const noexcept {
  const std::size_t table_bytes = granules() * sizeof(BlockHeader);
  return std::max(head_slots, static_cast<BlockIndex>((table_bytes + granule - 1) / granule));
}

bool Arena::fill_header(BlockIndex block) const noexcept {
  const std::size_t offset = block * sizeof(BlockHeader);
  return populate(base_ + offset, sizeof(BlockHeader), address_.fd, offset);
}

bool Arena::fill(BlockIndex block) const noexcept {
  header(block).hollow = 0;
  return populate(payload(block), bytes(block), address_.fd, block * granule);
}

void Arena::hollow_out(BlockIndex block) const noexcept {
  if (is_hollow(block)) return;
  madvise(payload(block), bytes(block), MADV_REMOVE);
  header(block).hollow = 1;
}

// A stack after R. K. Treiber, "Systems programming: coping with parallelism" (1986). It is taken
// as a whole, never popped, so that it needs no protection against a top that went and came back.
void Arena::send_home(BlockIndex block) const noexcept {
  const std::size_t size = bytes(block);
  // Its owner may be long in coming.
  if (head().returned_bytes.fetch_add(size, std::memory_order_relaxed) + size > most_kept) {
    hollow_out(block);
  }
  BlockIndex top = head().returned.load(std::memory_order_relaxed);
  do {
    header(block).next = top;
  } while (!head().returned.compare_exchange_weak(top, block, std::memory_order_release,
                                                  std::memory_order_relaxed));
}

BlockIndex Arena::take_returned() const noexcept {
  if (head().returned.load(std::memory_order_relaxed) == 0) return 0;
  const BlockIndex top = head().returned.exchange(0, std::memory_order_acquire);
  std::size_t size = 0;
  for (BlockIndex block = top; block != 0; block = header(block).next) size += bytes(block);
  head().returned_bytes.fetch_sub(size, std::memory_order_relaxed);
  return top;
}

}  // namespace sluice
