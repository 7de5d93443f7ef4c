#include "gpu/link.hpp"

#include "gpu/emulated.hpp"
#include "gpu/emulated_link.hpp"
#include "gpu/nccl_link.hpp"

namespace sluice::gpu {

bool has_links() {
  const auto emulated = emulated_devices();
  return emulated ? *emulated > 0 : nccl::is_here();
}

std::string new_link_id() { return emulated_devices() ? new_emulated_id() : nccl::new_id(); }

std::unique_ptr<Link> open_link(Device& device, void* stream, const std::string& id,
                                Link::End end) {
  return emulated_devices() ? open_emulated_link(device, id, end)
                            : nccl::open(device, stream, id, end);
}

}  // namespace sluice::gpu
