#include "gpu/nccl_link.hpp"

#include <sluice/error.hpp>

namespace sluice::gpu::nccl {

bool is_here() { return false; }

std::string new_id() { throw InvariantError("a NCCL link was asked for in a build without"); }

std::unique_ptr<Link> open(Device&, void*, const std::string&, Link::End) {
  throw InvariantError("a NCCL link was opened in a build without NCCL");
}

}  // namespace sluice::gpu::nccl
