#include "kernels.hpp"

namespace embed {
namespace {

constexpr unsigned threads = 256;

unsigned blocks_for(std::size_t count) {
  return static_cast<unsigned>((count + threads - 1) / threads);
}

__device__ std::size_t own_number() {
  return static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}

__global__ void preprocess(const Image* images, std::size_t count, float* pixels) {
  const auto i = own_number();
  const std::size_t each = side * side * 3;
  if (i >= count * each) return;
  const auto in_image = i % each;
  const auto y = in_image / (side * 3);
  const auto x = in_image / 3 % side;
  const auto c = in_image % 3;
  pixels[i / each * each + place(y, x, c)] = sample(images[i / each], y, x, c);
}

__global__ void apply_gelu(float* values, std::size_t count) {
  const auto i = own_number();
  if (i < count) values[i] = gelu(values[i]);
}

// A block an image, a thread an output.
__global__ void pool(const float* values, float* embeddings) {
  __shared__ float squares[outputs];
  const auto column = threadIdx.x;
  const auto* image = values + static_cast<std::size_t>(blockIdx.x) * rows * outputs;
  float mean = 0;
  for (std::size_t row = 0; row < rows; ++row) mean += image[row * outputs + column] / rows;
  squares[column] = mean * mean;
  __syncthreads();
  for (unsigned half = outputs / 2; half > 0; half /= 2) {
    if (column < half) squares[column] += squares[column + half];
    __syncthreads();
  }
  embeddings[static_cast<std::size_t>(blockIdx.x) * outputs + column] =
      mean / sqrtf(fmaxf(squares[0], 1e-20F));
}

__global__ void fill_weights(std::uint64_t seed, std::size_t from, std::size_t count,
                             float* weights) {
  const auto i = own_number();
  if (i < count) weights[i] = weight(seed, i, from);
}

}  // namespace

cudaError_t launch_preprocess(const Image* images, std::size_t count, float* pixels,
                              cudaStream_t stream) {
  preprocess<<<blocks_for(count * side * side * 3), threads, 0, stream>>>(images, count, pixels);
  return cudaGetLastError();
}

cudaError_t launch_gelu(float* values, std::size_t count, cudaStream_t stream) {
  apply_gelu<<<blocks_for(count), threads, 0, stream>>>(values, count);
  return cudaGetLastError();
}

cudaError_t launch_pool(const float* values, std::size_t images, float* embeddings,
                        cudaStream_t stream) {
  pool<<<static_cast<unsigned>(images), outputs, 0, stream>>>(values, embeddings);
  return cudaGetLastError();
}

cudaError_t launch_weights(std::uint64_t seed, std::size_t from, std::size_t to, float* weights,
                           cudaStream_t stream) {
  fill_weights<<<blocks_for(from * to), threads, 0, stream>>>(seed, from, from * to, weights);
  return cudaGetLastError();
}

}  // namespace embed
