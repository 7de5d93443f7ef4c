#include "store/replace.hpp"

#include "store/descriptor.hpp"
#include "store/disk.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace sluice::store {
namespace {

namespace fs = std::filesystem;

bool rename_with(const fs::path& from, const fs::path& to, unsigned flags) {
  return ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags) == 0;
}

bool is_taken(const std::error_code& error) {
  return error == std::errc::directory_not_empty || error == std::errc::file_exists ||
         error == std::errc::is_a_directory || error == std::errc::not_a_directory;
}

// For file systems that cannot exchange names: there is a moment in which nothing is there. Another
// process may use it to put its own there, which is then moved away in turn.
void rename_in_two_steps(const fs::path& from, const fs::path& to) {
  auto aside = from;
  aside += ".old";
  std::error_code error;
  for (int attempts = 100; attempts > 0; --attempts) {
    fs::rename(to, aside, error);
    const bool moved = !error;
    if (error == std::errc::no_such_file_or_directory) error.clear();
    check_disk(error, "move away", to);
    fs::rename(from, to, error);
    std::error_code ignored;
    if (error && !is_taken(error) && moved) fs::rename(aside, to, ignored);
    if (!error || !is_taken(error)) break;
    fs::remove_all(aside, ignored);
  }
  check_disk(error, "rename what is finished to", to);
  remove_folder(aside);
}

}  // namespace

void replace(const fs::path& from, const fs::path& to) {
  make_folder(folder_of(to));
  if (!rename_with(from, to, RENAME_NOREPLACE)) {
    if (rename_with(from, to, RENAME_EXCHANGE)) {
      remove_folder(from);
    } else {
      rename_in_two_steps(from, to);
    }
  }
  sync_to_disk(folder_of(to));
}

void sync_file_system(const fs::path& folder) {
  const Descriptor file(::open(folder.c_str(), O_RDONLY | O_CLOEXEC));
  const bool synced = file.get() >= 0 && ::syncfs(file.get()) == 0;
  check_disk(std::error_code(synced ? 0 : errno, std::generic_category()), "write to disk", folder);
}

}  // namespace sluice::store
