#pragma once

#include <cstdint>

namespace sluice::process {

/// A TCP port of this node that nobody listens on now.
std::uint16_t free_port();

}  // namespace sluice::process
