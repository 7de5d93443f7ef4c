#include "transport/death_watch.hpp"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace sluice::transport {
namespace {

// The C library's own is not declared for C++ in glibc 2.36.
int pidfd_of(std::int32_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

}  // namespace

ProcessAddress ProcessAddress::own() {
  struct stat status {};
  const bool known = ::stat("/proc/self/ns/pid", &status) == 0;
  return {::getpid(), known ? status.st_ino : 0};
}

DeathWatch::~DeathWatch() {
  for (const auto& file : files_) ::close(file.fd);
}

void DeathWatch::add(Rank rank, const ProcessAddress& process) {
  if (process.pid_namespace != ProcessAddress::own().pid_namespace) return;
  const int file = pidfd_of(process.pid);
  if (file >= 0) {
    files_.push_back({file, POLLIN, 0});
    ranks_.push_back(rank);
  } else if (errno == ESRCH) {
    dead_on_arrival_.push_back(rank);
  }
}

std::vector<Rank> DeathWatch::look() {
  auto dead = std::exchange(dead_on_arrival_, {});
  if (::poll(files_.data(), files_.size(), 0) <= 0) return dead;
  for (std::size_t i = files_.size(); i-- > 0;) {
    if ((files_[i].revents & POLLIN) == 0) continue;
    dead.push_back(ranks_[i]);
    ::close(files_[i].fd);
    files_.erase(files_.begin() + static_cast<std::ptrdiff_t>(i));
    ranks_.erase(ranks_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return dead;
}

}  // namespace sluice::transport
