#pragma once

#include <atomic>

namespace sluice {

/// Called at the places where a crash would hurt most, so that tests can crash there. Null outside
/// tests.
inline std::atomic<void (*)(const char* point)> fault_hook{nullptr};

inline void fault_point(const char* point) {
  if (auto* hook = fault_hook.load(std::memory_order_relaxed)) hook(point);
}

}  // namespace sluice
