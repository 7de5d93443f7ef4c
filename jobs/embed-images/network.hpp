#pragma once

#include "model.hpp"

#include <sluice/buffer.hpp>

#include <cstdint>
#include <memory>
#include <vector>

namespace embed {

/// The network, on the CPU or on a GPU.
class Network {
 public:
  virtual ~Network() = default;
  /// `outputs` numbers for each image, one after the other. The pixels are where the network is.
  virtual std::vector<float> embed(const std::vector<Image>& images) = 0;
};

std::unique_ptr<Network> make_cpu_network(std::uint64_t seed);
// Only in builds with CUDA; `stream` is a cudaStream_t of the calling thread's current device.
std::unique_ptr<Network> make_gpu_network(std::uint64_t seed, void* stream);
sluice::Buffer to_device(const sluice::Buffer& pixels, void* stream);

}  // namespace embed
