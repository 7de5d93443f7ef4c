#pragma once

#include <sluice/stage.hpp>

#include <filesystem>

namespace sluice::job {

/// The file of a worker that writes one: `path` below the run directory, as it stands if the stage
/// has one worker, else with the worker's number before the extension: pages.0.h5, pages.1.h5, …
std::filesystem::path worker_path(const std::filesystem::path& path, const WorkerContext& context);

/// What a stage wrote last to `path` below the run directory: the one file, or "pages.*.h5" for the
/// files of several workers.
std::filesystem::path written_path(const std::filesystem::path& path,
                                   const std::filesystem::path& run_dir);

}  // namespace sluice::job
