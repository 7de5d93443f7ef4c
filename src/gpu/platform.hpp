#pragma once

#include "gpu/device.hpp"

#include <string>
#include <vector>

namespace sluice::gpu {

/// How many devices this process can use; 0 if sluice was built without CUDA, or there is no
/// driver. With SLUICE_GPU=emulated, the devices are made up of host memory (gpu/emulated.hpp).
int device_count();

/// Why there are none, for a notice; empty if there are some.
std::string why_no_device();

/// The device of that index. Throws Error if it cannot be used.
Device& device(int index);

/// The device that `CUDA_VISIBLE_DEVICES` calls `name`, or that has it as its number if that is not
/// set; null if there is none.
Device* find_device(const std::string& name);

/// The calling worker's device, for <sluice/gpu.hpp>; null takes it back.
void set_worker_device(Device* device) noexcept;

}  // namespace sluice::gpu
