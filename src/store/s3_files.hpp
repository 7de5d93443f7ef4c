#pragma once

#include "store/s3_session.hpp"

#include <filesystem>

namespace sluice::store {

// Files to objects and back, a part at a time, several parts under way at once.

/// The object appears when all of the file is there. Throws IoError.
void upload_file(S3Session& session, const ObjectName& name, const std::filesystem::path& path);

/// Throws InputError if the object cannot be read, and IoError if the file cannot be written.
void download_file(S3Session& session, const ObjectName& name, const std::filesystem::path& path);

}  // namespace sluice::store
