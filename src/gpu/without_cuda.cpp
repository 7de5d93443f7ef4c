#include "gpu/backend.hpp"

#include <sluice/error.hpp>

namespace sluice::gpu::backend {

int device_count() { return 0; }

std::string why_no_device() { return "sluice was built without CUDA"; }

std::unique_ptr<Device> open(int) {
  throw InvariantError("a GPU was opened in a build without CUDA");
}

}  // namespace sluice::gpu::backend
