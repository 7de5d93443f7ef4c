#pragma once

#include <sluice/error.hpp>

#include <cuda_runtime_api.h>

#include <string>

namespace sluice::gpu::cuda {

/// What CUDA says is wrong.
struct CudaError : Error {
  CudaError(cudaError_t status, const std::string& call);
  cudaError_t status;
};

/// Throws CudaError if the call failed; the only place that looks at a status that matters.
void check(cudaError_t status, const char* call);

/// The calling thread's current device, while this lives.
class OnDevice {
 public:
  explicit OnDevice(int device);
  ~OnDevice();
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;

 private:
  int before_ = 0;
};

}  // namespace sluice::gpu::cuda
