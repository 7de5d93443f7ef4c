#pragma once

#include <sluice/registry.hpp>

#include <filesystem>
#include <string>

namespace sluice::job {

/// Loads the shared library and adds its stage kinds; it stays loaded for the life of the process,
/// since stages and exceptions may outlive the registry. `wanted_by` starts the message of what it
/// throws: PluginError if the file is missing, no plugin, or built against another version.
void load_plugin(const std::filesystem::path& path, const std::string& wanted_by,
                 StageRegistry& registry);

}  // namespace sluice::job
