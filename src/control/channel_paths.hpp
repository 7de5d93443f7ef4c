#pragma once

#include "control/device_path.hpp"
#include "control/plan.hpp"

#include <cstdint>
#include <map>

namespace sluice::control {

/// How many pairs of a producer and a consumer, each a process of its own, hand payloads over by
/// which path; none if not both sides are on GPUs.
std::map<Path, std::uint64_t> channel_paths(const StagePlan& producers, const StagePlan& consumers,
                                            const Means& means, Wish wish);

}  // namespace sluice::control
