#include "cli/commands.hpp"
#include "job/build.hpp"
#include "observe/progress.hpp"

#include <sluice/error.hpp>
#include <sluice/run.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <system_error>

namespace sluice::cli {
namespace {

job::JobFile load(const JobArguments& arguments) {
  auto file = job::load_job(arguments.file, arguments.sets);
  if (!arguments.run_dir.empty()) file.run_dir = arguments.run_dir;
  if (arguments.mode.empty()) return file;
  const auto mode = job::parse_mode(arguments.mode);
  if (!mode) {
    throw UsageError(
        fmt::format("--mode {}: the mode must be {}", arguments.mode, job::mode_wanted));
  }
  file.mode = *mode;
  return file;
}

void make_run_dir(const std::filesystem::path& run_dir) {
  std::error_code error;
  std::filesystem::create_directories(run_dir, error);
  if (!error) return;
  throw IoError(fmt::format(
      "cannot create the run directory '{}': {}; choose another with --run-dir or pipeline.run_dir",
      run_dir.string(), error.message()));
}

/// A job on its way from its file to its end.
class JobRun {
 public:
  // The mode must be known before the ranks meet, but an error must wait until then, so that one
  // rank's stops them all.
  explicit JobRun(const JobArguments& arguments) {
    try {
      file_ = load(arguments);
    } catch (const Error&) {
      failure_ = std::current_exception();
    }
    options_.mode = file_.mode;
    options_.run_dir = file_.run_dir;
    options_.autoscale = file_.autoscale;
    options_.workers = arguments.workers;
    options_.on_status = observe::Progress(stderr, ::isatty(STDERR_FILENO) == 1);
  }

  RunStatus run() {
    return run_erased([this] { return build(); }, options_);
  }

  void summarise(const RunStatus& status) const {
    fmt::print("{}: {} of {} records done in {:.2f} s ({:.1f}/s)\n", status.pipeline, status.done,
               status.inputs, status.seconds,
               static_cast<double>(status.done) / std::max(status.seconds, 1e-9));
    for (const auto& hint : job::output_hints(stages_, file_.run_dir)) fmt::print("{}\n", hint);
  }

 private:
  ErasedSpec build() {
    if (failure_) std::rethrow_exception(failure_);
    auto registry = job::builtin_stages();
    stages_ = job::build_stages(file_, registry);
    if (is_coordinator()) make_run_dir(file_.run_dir);
    return job::build_spec(file_, stages_, options_);
  }

  job::JobFile file_;
  RunOptions options_;
  std::exception_ptr failure_;
  std::vector<job::JobStage> stages_;
};

}  // namespace

int run_job(const JobArguments& arguments) {
  JobRun job(arguments);
  const auto status = job.run();
  if (is_coordinator()) job.summarise(status);
  return 0;
}

}  // namespace sluice::cli
