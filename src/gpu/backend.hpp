#pragma once

#include "gpu/device.hpp"

#include <memory>
#include <string>

/// What gpu/cuda has to offer, or gpu/without_cuda.cpp in its place.
namespace sluice::gpu::backend {

/// 0 if there is no driver, too.
int device_count();
std::string why_no_device();
std::unique_ptr<Device> open(int index);

}  // namespace sluice::gpu::backend
