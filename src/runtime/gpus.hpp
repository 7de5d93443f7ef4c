#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace sluice::runtime {

/// The GPUs that this process may use, each by a name that no other GPU of the node has, whichever
/// process asks: what Slurm allotted, else the devices in `devices`, of which CUDA_VISIBLE_DEVICES
/// can only take away.
std::vector<std::string> visible_gpus(const std::filesystem::path& devices = "/dev");

/// What CUDA_VISIBLE_DEVICES calls them in this process, which may number its GPUs by itself.
/// Throws InvariantError if it sees no such GPU.
std::vector<std::string> cuda_names(const std::vector<std::string>& gpus,
                                    const std::filesystem::path& devices = "/dev");

}  // namespace sluice::runtime
