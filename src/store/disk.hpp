#pragma once

#include <filesystem>
#include <string_view>
#include <system_error>
#include <vector>

/// What is done with files and folders in several places. All throw IoError that names the path.
namespace sluice::store {

/// Throws if there is an error: "cannot DOING 'PATH': …".
void check_disk(const std::error_code& error, std::string_view doing,
                const std::filesystem::path& path);

/// The folder that the file is in; "." if the path does not say.
std::filesystem::path folder_of(const std::filesystem::path& path);

/// With those above it, if it is not there.
void make_folder(const std::filesystem::path& folder);

/// With all that is in it, if it is there.
void remove_folder(const std::filesystem::path& folder);

/// What was written to this file, or which names this folder has, survives a crash of the machine,
/// where the file system can do that for a folder.
void sync_to_disk(const std::filesystem::path& path);

/// All files in the folder and in those below it, sorted; none if it is not there. Links to folders
/// are not followed.
std::vector<std::filesystem::path> files_below(const std::filesystem::path& folder);

}  // namespace sluice::store
