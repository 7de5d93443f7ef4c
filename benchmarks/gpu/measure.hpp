#pragma once

#include "gpu/device.hpp"

#include <cuda_runtime_api.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

namespace bench {

/// Throws if the call failed.
void check(cudaError_t status, const std::string& call);

inline double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// The median of several runs, in bytes a second.
double bandwidth(std::size_t bytes, int runs, const std::function<void()>& run);

/// Host to device to host, as records, against bare copies from and to pinned memory.
nlohmann::json measure_copies(sluice::gpu::Device& device);
/// Two ranks, each with a device: IPC against a copy on the device, and NCCL if it can.
nlohmann::json measure_pair();
/// A stage of 10 ms on the GPU, fed by stages on the CPU; and what 1,000 batches leave behind.
nlohmann::json measure_busy(int batches);
/// A run of two stages on a GPU each that hand payloads of 64 MiB over by a path.
nlohmann::json measure_handover(const std::string& path);

}  // namespace bench
