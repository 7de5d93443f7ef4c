#pragma once

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <string_view>
#include <system_error>

namespace sluice::process {

/// The result of a system call, or a StageError that says what could not be done.
template <class T>
T checked(T result, std::string_view doing) {
  if (result >= 0) return result;
  throw StageError(fmt::format("cannot {}: {}", doing, std::generic_category().message(errno)));
}

/// The same call again while a signal interrupts it.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

}  // namespace sluice::process
