#pragma once

#include "transport/transport.hpp"

#include <sys/poll.h>

#include <cstdint>
#include <vector>

namespace sluice::transport {

/// A process of this node, as others there find it. Plain bytes, to be sent as they are.
struct ProcessAddress {
  std::int32_t pid = 0;
  std::uint64_t pid_namespace = 0;  ///< the pid means something there alone

  static ProcessAddress own();
};

/// Sees ranks of this node die, however they do: the kernel says so within a millisecond.
class DeathWatch {
 public:
  DeathWatch() = default;
  DeathWatch(const DeathWatch&) = delete;
  DeathWatch& operator=(const DeathWatch&) = delete;
  ~DeathWatch();

  /// A rank that cannot be seen (an old kernel, another PID namespace) is not watched.
  void add(Rank rank, const ProcessAddress& process);

  /// Those that have died since the last call.
  std::vector<Rank> look();

 private:
  std::vector<pollfd> files_;  ///< pidfds; parallel to `ranks_`
  std::vector<Rank> ranks_;
  std::vector<Rank> dead_on_arrival_;
};

}  // namespace sluice::transport
