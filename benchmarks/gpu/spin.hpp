#pragma once

#include <cuda_runtime_api.h>

namespace bench {

cudaError_t launch_spin(long long nanoseconds, cudaStream_t stream);

}  // namespace bench
