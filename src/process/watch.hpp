#pragma once

#include "store/descriptor.hpp"

#include <functional>
#include <thread>
#include <vector>

namespace sluice::process {

/// Calls back, from a thread of its own, when one of some descriptors has become readable: once
/// after each `arm`. It ends when it is destroyed, which must come before they are closed. Those
/// below 0 are left out: a system may have nothing that tells of a child's death.
class Watch {
 public:
  Watch(std::vector<int> bells, std::function<void()> wake);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// From now on. What was readable before counts. `writable`: the first one being that, too.
  void arm(bool writable);

 private:
  void run();

  std::vector<int> bells_;
  std::function<void()> wake_;
  store::Descriptor end_;
  store::Descriptor epoll_;
  std::thread thread_;  ///< last: it uses the others
};

}  // namespace sluice::process
