#pragma once

#include <filesystem>
#include <vector>

namespace sluice::store {

/// Makes one file of several that Hdf5RecordWriter wrote (docs/hdf5-output.md): their rows one
/// after another. `target` appears whole or not at all. Holds a few megabytes at a time. Throws
/// IoError, also if their datasets differ.
void merge_hdf5_files(const std::vector<std::filesystem::path>& parts,
                      const std::filesystem::path& target);

}  // namespace sluice::store
