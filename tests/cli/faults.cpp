// Loaded before a program, to do to it what SLUICE_FAULT says, at the time that stands at its end:
//   journal.torn:3       kills it where a crash hurts most, the third time it gets there
//   slow=journal.torn:3  lets that thread sleep there for six seconds
//   full=/journal:3      the disk is full from the third write on to a file with that in its path:
//                        no write below the run directory "out" succeeds any more
#include "base/fault_point.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

enum class Kind { crash, slow, full };
constexpr unsigned seconds_of_sleep = 6;

std::atomic<int> left{0};
Kind kind = Kind::crash;
char place[64] = "";  // no object: nobody constructs it after `arm`

void pass(const char* point) {
  if (kind == Kind::full || std::strcmp(place, point) != 0 || left.fetch_sub(1) != 1) return;
  if (kind == Kind::crash) ::kill(::getpid(), SIGKILL);
  for (unsigned rest = seconds_of_sleep; rest > 0;) rest = ::sleep(rest);
}

void take(std::string_view& from, std::string_view prefix, Kind if_there) {
  if (!from.starts_with(prefix)) return;
  kind = if_there;
  from.remove_prefix(prefix.size());
}

[[gnu::constructor]] void arm() {
  const char* fault = std::getenv("SLUICE_FAULT");
  const char* colon = fault == nullptr ? nullptr : std::strrchr(fault, ':');
  if (colon == nullptr) return;
  std::string_view name(fault, static_cast<std::size_t>(colon - fault));
  take(name, "slow=", Kind::slow);
  take(name, "full=", Kind::full);
  name.copy(place, std::min(sizeof place - 1, name.size()));
  left = std::atoi(colon + 1);
  sluice::fault_hook = &pass;
}

// Whether the disk has no room for what this file is to get.
bool is_full(int file) {
  if (kind != Kind::full) return false;
  char link[32];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  char path[4096];
  const auto size = ::readlink(link, path, sizeof path);
  const std::string_view target(path, static_cast<std::size_t>(std::max<ssize_t>(0, size)));
  if (left > 0 && target.find(place) != std::string_view::npos) --left;
  if (left > 0 || target.find("/out/") == std::string_view::npos) return false;
  errno = ENOSPC;
  return true;
}

template <class Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

// The C library's, for the program and all of its libraries.
extern "C" ssize_t write(int file, const void* bytes, std::size_t size) {
  static const auto next = real<ssize_t (*)(int, const void*, std::size_t)>("write");
  return is_full(file) ? -1 : next(file, bytes, size);
}

extern "C" std::size_t fwrite(const void* bytes, std::size_t size, std::size_t count, FILE* file) {
  static const auto next =
      real<std::size_t (*)(const void*, std::size_t, std::size_t, FILE*)>("fwrite");
  return is_full(::fileno(file)) ? 0 : next(bytes, size, count, file);
}
