#pragma once

#include <filesystem>
#include <string_view>

namespace sluice::job {

/// Where the output of a record with this key belongs below a folder: the key itself, '/' making
/// subfolders. What could lead out of the folder or make two keys one file is written as %XX: '%'
/// itself; a '/' that starts or ends the key or follows another; a part that is "." or ".."; the
/// dot of a final ".partial" (such names are for files being written); NUL. Different keys have
/// different paths. Throws StageError for an empty key.
std::filesystem::path key_path(std::string_view key, std::string_view suffix = "");

}  // namespace sluice::job
