#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace sluice::gpu::cuda {

inline constexpr std::uint32_t health_words = 1U << 18U;

/// What the kernel writes to word `i`.
#ifdef __CUDACC__
__host__ __device__
#endif
    constexpr std::uint32_t
    pattern_word(std::uint32_t i) {
  i ^= i >> 16U;
  i *= 0x7feb352dU;
  i ^= i >> 15U;
  i *= 0x846ca68bU;
  return i ^ i >> 16U;
}

/// Fills `health_words` words on the device.
cudaError_t fill_with_pattern(std::uint32_t* words, cudaStream_t stream);

}  // namespace sluice::gpu::cuda
