#include "job/stages/worker_path.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace sluice::job {
namespace {

std::filesystem::path with_worker(std::filesystem::path path, const std::string& worker) {
  return path.replace_extension("." + worker + path.extension().string());
}

std::filesystem::file_time_type time_of(const std::filesystem::path& path) {
  std::error_code missing;
  const auto time = std::filesystem::last_write_time(path, missing);
  return missing ? std::filesystem::file_time_type::min() : time;
}

// What is written only at the end of a part, or of the run, must not fail there for want of a
// folder.
void make_folder_of(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (!error && ::access(path.parent_path().c_str(), W_OK) == 0) return;
  if (!error) error = {errno, std::generic_category()};
  throw IoError(fmt::format("cannot write into '{}': {}; check the folder's permissions",
                            path.parent_path().string(), error.message()));
}

}  // namespace

std::filesystem::path worker_path(const std::filesystem::path& path, const WorkerContext& context) {
  if (!context.root.empty()) make_folder_of(std::filesystem::absolute(context.final_dir / path));
  const auto whole = context.output(path);
  return context.workers == 1 ? whole : with_worker(whole, std::to_string(context.worker));
}

std::filesystem::path written_path(const std::filesystem::path& path,
                                   const std::filesystem::path& run_dir) {
  const auto whole = run_dir / path;
  // An earlier run with another number of workers may have left the other kind.
  const bool several = time_of(with_worker(whole, "0")) > time_of(whole);
  return several ? with_worker(whole, "*") : whole;
}

}  // namespace sluice::job
