#pragma once

#include "model.hpp"

#include <cuda_runtime_api.h>

namespace embed {

/// Each returns what launching it said. `images` and all else lies on the device.
cudaError_t launch_preprocess(const Image* images, std::size_t count, float* pixels,
                              cudaStream_t stream);
cudaError_t launch_gelu(float* values, std::size_t count, cudaStream_t stream);
cudaError_t launch_pool(const float* values, std::size_t images, float* embeddings,
                        cudaStream_t stream);
cudaError_t launch_weights(std::uint64_t seed, std::size_t from, std::size_t to, float* weights,
                           cudaStream_t stream);

}  // namespace embed
