#pragma once

#include "gpu/device.hpp"

#include <memory>
#include <optional>

namespace sluice::gpu {

/// Devices made of host memory, for trying pipelines of GPU stages where there is no GPU: their
/// buffers count as a device's, and move as those do, but the host can read them.
/// SLUICE_GPU=emulated asks for one, emulated:4 for four. Absent if it asks for none.
std::optional<int> emulated_devices();

std::unique_ptr<Device> open_emulated(int index);

}  // namespace sluice::gpu
