#pragma once

#include <filesystem>

namespace sluice::store {

/// Puts a file or a folder where another may be, at once where the file system can do that, and
/// removes the other. Throws IoError.
void replace(const std::filesystem::path& from, const std::filesystem::path& to);

/// What was written to the file system that holds this folder survives a crash of the machine.
void sync_file_system(const std::filesystem::path& folder);

}  // namespace sluice::store
