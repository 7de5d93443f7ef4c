#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::gpu {

/// A GPU as the driver's management library sees it, which no variable hides.
struct ManagedGpu {
  std::string uuid;
  std::uint64_t total = 0;  ///< bytes
  std::uint64_t free = 0;
};

/// The GPUs of this node; none if there is no driver. Asking takes no memory on a GPU, and leaves
/// it open which of them CUDA will show this process.
std::vector<ManagedGpu> managed_gpus();

/// Bytes; 0 if it is not known.
std::uint64_t memory_of_smallest();

}  // namespace sluice::gpu
