// Loaded before a program: kills it where a crash hurts most, at the place and the time that
// SLUICE_FAULT names, as in "journal.torn:3" for the third time it gets there.
#include "base/fault_point.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include <unistd.h>

namespace {

std::atomic<int> left{0};
char place[64] = "";  // no object: nobody constructs it after `arm`

void pass(const char* point) {
  if (std::strcmp(place, point) == 0 && left.fetch_sub(1) == 1) ::kill(::getpid(), SIGKILL);
}

[[gnu::constructor]] void arm() {
  const char* fault = std::getenv("SLUICE_FAULT");
  const char* colon = fault == nullptr ? nullptr : std::strchr(fault, ':');
  if (colon == nullptr) return;
  std::strncpy(place, fault,
               std::min<std::size_t>(sizeof place - 1, static_cast<std::size_t>(colon - fault)));
  left = std::atoi(colon + 1);
  sluice::fault_hook = &pass;
}

}  // namespace
