#include "gpu/nccl_link.hpp"

#include <sluice/error.hpp>

namespace sluice::gpu {

bool has_nccl() { return false; }

std::string new_link_id() { throw InvariantError("a NCCL link was asked for in a build without"); }

std::unique_ptr<NcclLink> open_link(Device&, const std::string&, NcclLink::End) {
  throw InvariantError("a NCCL link was opened in a build without NCCL");
}

}  // namespace sluice::gpu
