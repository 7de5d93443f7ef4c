#include "runtime/staged_outputs.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <system_error>
#include <vector>

namespace sluice::runtime {
namespace {

namespace fs = std::filesystem;

void check(const std::error_code& error, std::string_view doing, const fs::path& path) {
  if (!error) return;
  throw IoError(fmt::format("cannot {} '{}': {}; check permissions and free space", doing,
                            path.string(), error.message()));
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  for (const fs::recursive_directory_iterator end; !error && entry != end; entry.increment(error)) {
    if (!entry->is_directory(error)) files.push_back(entry->path());
  }
  check(error, "list", folder);
  return files;
}

}  // namespace

void move_files(const fs::path& from, const fs::path& to) {
  std::error_code error;
  if (!fs::exists(from, error)) return;
  for (const auto& file : files_in(from)) {
    const auto target = to / file.lexically_relative(from);
    fs::create_directories(target.parent_path(), error);
    if (!error) fs::rename(file, target, error);
    check(error, "move into place", target);
  }
  remove_folder(from);
}

void remove_folder(const fs::path& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  check(error, "remove", folder);
}

}  // namespace sluice::runtime
