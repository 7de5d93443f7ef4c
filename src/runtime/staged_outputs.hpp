#pragma once

#include <filesystem>

namespace sluice::runtime {

/// Moves every file in `from`, and in the folders in it, to its place in `to`, in place of an older
/// one, and then removes `from`. If it is broken off and called again, it goes on. Both are on one
/// file system. Throws IoError.
void move_files(const std::filesystem::path& from, const std::filesystem::path& to);

/// With all that is in it, if it is there. Throws IoError.
void remove_folder(const std::filesystem::path& folder);

}  // namespace sluice::runtime
