#include "store/node_folder.hpp"

#include "store/disk.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>

namespace sluice::store {
namespace {

namespace fs = std::filesystem;

const char* given_folder() {
  const char* given = std::getenv("SLUICE_NODE_DIR");
  return given == nullptr || *given == '\0' ? nullptr : given;
}

// Anybody can make a folder of that name among temporary files, and fill it with what they like.
void require_own(const fs::path& folder) {
  struct stat found {};
  const bool there = ::lstat(folder.c_str(), &found) == 0;
  if (there && S_ISDIR(found.st_mode) && found.st_uid == ::geteuid() &&
      (found.st_mode & (S_IWGRP | S_IWOTH)) == 0) {
    return;
  }
  throw IoError(
      fmt::format("'{}' is not a folder that this user alone can write; set SLUICE_NODE_DIR to "
                  "one on a disk of the node",
                  folder.string()));
}

}  // namespace

fs::path node_folder() {
  if (const auto* given = given_folder()) return fs::absolute(given).lexically_normal();
  std::error_code ignored;
  auto folder = fs::temp_directory_path(ignored);
  if (folder.empty()) folder = "/tmp";
  return folder / fmt::format("sluice-{}", ::geteuid());
}

fs::path make_node_folder() {
  auto folder = node_folder();
  if (given_folder() != nullptr) {
    make_folder(folder);
    return folder;
  }
  const bool made = ::mkdir(folder.c_str(), 0700) == 0;
  if (!made && errno != EEXIST) {
    check_disk(std::error_code(errno, std::generic_category()), "create the folder", folder);
  }
  require_own(folder);
  return folder;
}

fs::path below_node_folder(const std::string& dest) {
  std::string_view rest = dest;
  for (const std::string_view start : {"$SLUICE_NODE_DIR/", "${SLUICE_NODE_DIR}/"}) {
    if (rest.starts_with(start)) rest.remove_prefix(start.size());
  }
  auto path = fs::path(rest).lexically_normal();
  if (!path.empty() && !path.has_filename()) path = path.parent_path();
  const bool below = path.is_relative() && !path.empty() && path != "." && *path.begin() != ".." &&
                     *path.begin() != ".sluice" && rest.find('$') == std::string_view::npos;
  if (below) return path;
  throw UsageError(
      fmt::format("dest = \"{}\" is not a place below the node's folder; write "
                  "\"$SLUICE_NODE_DIR/NAME\", and set that variable to move the folder",
                  dest));
}

}  // namespace sluice::store
