#pragma once

#include <filesystem>

namespace sluice::runtime {

/// Moves every file in `from`, and in the folders in it, to its place in `to`, in place of an older
/// one, and then removes `from`. If it is broken off and called again, it goes on. Both are on one
/// file system. Throws IoError.
void move_files(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace sluice::runtime
