#include "gpu/cuda/health_kernel.hpp"

namespace sluice::gpu::cuda {
namespace {

__global__ void write_pattern(std::uint32_t* words) {
  const std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < health_words) words[i] = pattern_word(i);
}

}  // namespace

cudaError_t fill_with_pattern(std::uint32_t* words, cudaStream_t stream) {
  constexpr unsigned threads = 256;
  write_pattern<<<(health_words + threads - 1) / threads, threads, 0, stream>>>(words);
  return cudaGetLastError();
}

}  // namespace sluice::gpu::cuda
