#include "job/stages/worker_path.hpp"

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

}  // namespace

std::filesystem::path worker_path(const std::filesystem::path& path, const WorkerContext& context) {
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
