#pragma once

#include "store/file_store.hpp"
#include "store/object_store.hpp"

#include <memory>

namespace sluice::store {

/// Files as objects whose keys begin with that of `prefix`; it is taken as a folder. Files are
/// written, and copied for reading, in `scratch`, a folder of this machine.
std::unique_ptr<FileStore> object_files(std::unique_ptr<ObjectStore> objects, ObjectName prefix,
                                        std::filesystem::path scratch);

/// At "s3://bucket/prefix", in which case `scratch` is used, or in a folder. Throws UsageError if
/// the URI or the credentials are no good.
std::unique_ptr<FileStore> open_file_store(const std::string& uri,
                                           const std::filesystem::path& scratch);

}  // namespace sluice::store
