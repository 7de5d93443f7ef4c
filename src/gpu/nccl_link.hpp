#pragma once

#include "gpu/link.hpp"

#include <memory>
#include <string>

/// NCCL's links, or that there are none: one of gpu/nccl and gpu/without_nccl.cpp is compiled.
namespace sluice::gpu::nccl {

/// Whether NCCL was built in and its library is here; loads it.
bool is_here();

std::string new_id();

std::unique_ptr<Link> open(Device& device, void* stream, const std::string& id, Link::End end);

}  // namespace sluice::gpu::nccl
