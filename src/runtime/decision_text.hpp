#pragma once

#include "control/autoscaler.hpp"

#include <cstddef>
#include <string>

namespace sluice::runtime {

/// The decision in one line, with every number that led to it.
std::string text_of(const control::Decision& decision);

/// For the terminal: what is gained, the slowest stage, and as many of the stages whose workers
/// change as there are columns for, the slowest first and then those that change most.
std::string short_text_of(const control::Decision& decision, std::size_t columns = 63);

}  // namespace sluice::runtime
