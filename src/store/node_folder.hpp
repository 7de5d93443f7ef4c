#pragma once

#include <filesystem>
#include <string>

namespace sluice::store {

/// Where a run keeps what each node needs to have: SLUICE_NODE_DIR, or a folder of the user's among
/// the machine's temporary files. It need not exist.
std::filesystem::path node_folder();

/// The same, and it exists: throws IoError unless it can be made, and belongs to this user alone if
/// its place was not given.
std::filesystem::path make_node_folder();

/// What `dest` says ("$SLUICE_NODE_DIR/models/m", "models/m"), as a path below the node's folder.
/// Throws UsageError if it is not below it.
std::filesystem::path below_node_folder(const std::string& dest);

}  // namespace sluice::store
