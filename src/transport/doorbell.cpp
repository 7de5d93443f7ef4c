#include "transport/doorbell.hpp"

#include <sluice/error.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <ctime>
#include <utility>

namespace sluice::transport {
namespace {

static_assert(std::atomic<std::uint32_t>::is_always_lock_free, "a futex needs a plain word");

// Not the private kind of futex: the word may be shared with other processes.
void futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value,
           const timespec* longest) noexcept {
  // Waking early (a signal, a changed word, the time-out) is as good as being rung.
  ::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), operation, value, longest, nullptr,
            0);
}

[[noreturn]] void throw_no_memory(const std::string& what, int error) {
  throw LaunchError(
      fmt::format("the ranks on this node cannot share memory: {}: {}; make room in /dev/shm (in a "
                  "container: --shm-size) and run again",
                  what, std::strerror(error)));
}

std::string unused_name() {
  static std::atomic<unsigned> created{0};
  return fmt::format("/sluice-{}-{}-{}", ::getpid(), created++,
                     std::chrono::steady_clock::now().time_since_epoch().count());
}

}  // namespace

// Looks by a write that changes nothing. So looks and announcements have one order: if this look
// comes first, the announcement reads what it wrote, and then the sleeper sees all that the caller
// did before. (A ringer does not clear the announcement: if it then lost its core before the system
// call, it would have muted the others.)
std::optional<Doorbell::Sleeper> Doorbell::announced() noexcept {
  const auto value = announced_.fetch_add(0);
  return value == 0 ? std::nullopt : std::optional(static_cast<Sleeper>(value - 1));
}

void Doorbell::ring() noexcept {
  if (const auto who = announced()) wake(*who);
}

void Doorbell::ring_owner() noexcept {
  if (announced() == Sleeper::owner) wake(Sleeper::owner);
}

void Doorbell::wake(Sleeper who) noexcept {
  auto& rings = rings_[index(who)];
  rings.fetch_add(1);
  futex(rings, FUTEX_WAKE, INT_MAX, nullptr);
}

Doorbell::Ticket Doorbell::announce_sleep(Sleeper who) noexcept {
  const Ticket announced_at = ticket(who);
  announced_.exchange(1 + static_cast<std::uint32_t>(who));
  return announced_at;
}

void Doorbell::sleep(Ticket ticket, std::chrono::nanoseconds longest, Sleeper who) noexcept {
  if (longest <= std::chrono::nanoseconds::zero()) return;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(longest);
  const timespec time{seconds.count(), (longest - seconds).count()};
  futex(rings_[index(who)], FUTEX_WAIT, ticket, &time);
}

void Doorbell::awake() noexcept { announced_.store(0); }

DoorbellRow::DoorbellRow(DoorbellRow&& other) noexcept { *this = std::move(other); }

DoorbellRow& DoorbellRow::operator=(DoorbellRow&& other) noexcept {
  std::swap(name_, other.name_);
  std::swap(bells_, other.bells_);
  std::swap(count_, other.count_);
  return *this;
}

DoorbellRow::~DoorbellRow() {
  if (bells_ != nullptr) ::munmap(bells_, count_ * sizeof(Doorbell));
}

// Fresh shared memory is zero, which is what a silent doorbell holds.
DoorbellRow DoorbellRow::map(int file, const std::string& name, std::size_t count) {
  void* memory =
      ::mmap(nullptr, count * sizeof(Doorbell), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  const int error = errno;
  ::close(file);
  if (memory == MAP_FAILED) throw_no_memory("mmap of " + name, error);
  DoorbellRow row;
  row.name_ = name;
  row.bells_ = static_cast<Doorbell*>(memory);
  row.count_ = count;
  return row;
}

DoorbellRow DoorbellRow::create(std::size_t count) {
  const std::string name = unused_name();
  const int file = ::shm_open(name.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
  if (file < 0) throw_no_memory("shm_open of " + name, errno);
  // Reserved now: memory that runs out later would be a SIGBUS instead of an error.
  const auto bytes = static_cast<off_t>(count * sizeof(Doorbell));
  if (const int error = ::posix_fallocate(file, 0, bytes); error != 0) {
    ::close(file);
    ::shm_unlink(name.c_str());
    throw_no_memory("posix_fallocate of " + name, error);
  }
  return map(file, name, count);
}

DoorbellRow DoorbellRow::attach(const std::string& name, std::size_t count) {
  const int file = ::shm_open(name.c_str(), O_RDWR | O_CLOEXEC, 0);
  if (file < 0) throw_no_memory("shm_open of " + name, errno);
  return map(file, name, count);
}

void DoorbellRow::withdraw_name() { ::shm_unlink(name_.c_str()); }

}  // namespace sluice::transport
