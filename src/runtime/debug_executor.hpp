#pragma once

#include <sluice/run.hpp>

namespace sluice::runtime {

/// Debug mode: for-loops in the calling thread. Records pass from stage to stage as the objects
/// that they are; nothing is serialised, and no other thread or rank takes part.
RunStatus run_debug(const ErasedSpec& spec);

}  // namespace sluice::runtime
