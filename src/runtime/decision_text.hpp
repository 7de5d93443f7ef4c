#pragma once

#include "control/autoscaler.hpp"

#include <string>

namespace sluice::runtime {

/// The decision in one line, with every number that led to it.
std::string text_of(const control::Decision& decision);

}  // namespace sluice::runtime
