#include "gpu/cuda/check.hpp"

namespace sluice::gpu::cuda {

CudaError::CudaError(cudaError_t code, const std::string& call)
    : Error(ExitCode::stage,
            call + ": " + cudaGetErrorString(code) + " (" + cudaGetErrorName(code) + ")"),
      status(code) {}

void check(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // else the next call that only asks for errors would report this one
  throw CudaError(status, call);
}

OnDevice::OnDevice(int device) {
  check(cudaGetDevice(&before_), "cudaGetDevice");
  check(cudaSetDevice(device), "cudaSetDevice");
}

// It was current before, so it is usable.
OnDevice::~OnDevice() { static_cast<void>(cudaSetDevice(before_)); }

}  // namespace sluice::gpu::cuda
