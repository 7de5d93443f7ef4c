#include "store/disk.hpp"

#include <sluice/error.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace sluice::store {

namespace fs = std::filesystem;

void check_disk(const std::error_code& error, std::string_view doing, const fs::path& path) {
  if (!error) return;
  throw IoError(fmt::format("cannot {} '{}': {}; check the folder's permissions and free space",
                            doing, path.string(), error.message()));
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  check_disk(error, "create the folder", folder);
}

void remove_folder(const fs::path& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  check_disk(error, "remove", folder);
}

void sync_to_disk(const fs::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  // Some file systems cannot sync a folder and say EINVAL; their renames are as safe as they get.
  const bool synced = file >= 0 && (::fsync(file) == 0 || errno == EINVAL);
  const std::error_code error(synced ? 0 : errno, std::generic_category());
  if (file >= 0) ::close(file);
  check_disk(error, "write to disk", path);
}

std::vector<fs::path> files_below(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  if (!fs::exists(folder, error)) return files;
  fs::recursive_directory_iterator entry(folder, error);
  for (const fs::recursive_directory_iterator end; !error && entry != end; entry.increment(error)) {
    std::error_code unknown;  // a link that leads nowhere, or in a circle, is no folder
    if (!entry->is_directory(unknown)) files.push_back(entry->path());
  }
  check_disk(error, "list", folder);
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace sluice::store
