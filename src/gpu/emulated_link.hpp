#pragma once

#include "gpu/link.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace sluice::gpu {

/// Links between emulated devices: a socket between two processes of this machine, or within one.
/// As with NCCL a transfer moves only while both ends have launched theirs; unlike NCCL's it moves
/// only when somebody asks whether it is done.
std::string new_emulated_id();

std::unique_ptr<Link> open_emulated_link(Device& device, const std::string& id, Link::End end);

/// That have come over such links to this process, for tests.
std::uint64_t bytes_over_emulated_links();

}  // namespace sluice::gpu
