#pragma once

#include <sluice/registry.hpp>

#include <string>

namespace sluice::cli {

/// A setting's fallback as a job file would have it, or "required".
std::string default_text(const SettingSpec& setting);

}  // namespace sluice::cli
