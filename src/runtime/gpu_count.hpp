#pragma once

#include <cstddef>
#include <filesystem>

namespace sluice::runtime {

/// GPUs that this process may use, by what costs nothing to look at: the devices in `devices`, and
/// CUDA_VISIBLE_DEVICES (`visible`; null if it is not set), which can only take away.
std::size_t gpu_count(const char* visible, const std::filesystem::path& devices = "/dev");
std::size_t gpu_count();

}  // namespace sluice::runtime
