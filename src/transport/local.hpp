#pragma once

#include "transport/transport.hpp"

#include <memory>
#include <vector>

namespace sluice::transport {

/// The ends of `size` ranks that are threads of this process, all on node 0. Buffers are handed
/// over, not copied. Each end may outlive the others.
std::vector<std::unique_ptr<Transport>> make_local_ranks(int size);

/// Thrown by every call of an end whose rank is dead.
struct RankIsDead {};

/// Lets a rank die, for tests. What it has sent arrives, and the others find it among their lost.
/// Any thread may call it.
void kill_local_rank(Transport& end);

}  // namespace sluice::transport
