#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace sluice::store {

/// Which process works on a run, for others that want to.
struct RunOwner {
  std::string host;
  pid_t pid = 0;
  std::string since;  ///< "2026-11-24 19:30:00 UTC"
  std::string token;  ///< 8 random hexadecimal digits: nobody else's

  bool operator==(const RunOwner&) const = default;
};

/// This process, from now on; every call gives another token.
RunOwner new_owner();

/// "process 4711 on host n1, since 2026-11-24 19:30:00 UTC"
std::string shown(const RunOwner& owner);

/// A line of JSON, and back; nothing if it is none of those.
std::string to_json(const RunOwner& owner);
std::optional<RunOwner> run_owner(std::string_view json);

}  // namespace sluice::store
