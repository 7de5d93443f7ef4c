#include "runtime/staged_outputs.hpp"

#include "store/disk.hpp"

#include <system_error>

namespace sluice::runtime {

void move_files(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::error_code error;
  if (!std::filesystem::exists(from, error)) return;
  for (const auto& file : store::files_below(from)) {
    const auto target = to / file.lexically_relative(from);
    std::filesystem::create_directories(target.parent_path(), error);
    if (!error) std::filesystem::rename(file, target, error);
    store::check_disk(error, "move into place", target);
  }
  store::remove_folder(from);
}

}  // namespace sluice::runtime
