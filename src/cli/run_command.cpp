#include "cli/commands.hpp"
#include "cli/run_record.hpp"
#include "cli/supervise.hpp"
#include "job/build.hpp"
#include "observe/history.hpp"
#include "observe/progress.hpp"

#include <sluice/error.hpp>
#include <sluice/run.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace sluice::cli {
namespace {

// The run as its run directory will know it.
RunRecord record_of(const JobArguments& arguments) {
  return {job::read_job_text(arguments.file), arguments.file, arguments.sets, arguments.mode,
          std::filesystem::current_path()};
}

// Relative paths of the job belong to the folder in which it ran.
RunRecord enter(RunRecord record) {
  std::error_code error;
  std::filesystem::current_path(record.folder, error);
  if (!error) return record;
  throw InputError(fmt::format("the run's folder '{}' cannot be entered: {}",
                               record.folder.string(), error.message()));
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
  explicit JobRun(const std::function<RunRecord()>& record, const std::string& run_dir) {
    try {
      record_ = record();
      file_ = job::parse_job(record_.job, record_.file, record_.sets);
      if (!run_dir.empty()) file_.run_dir = run_dir;
      if (!record_.mode.empty()) file_.mode = mode_option(record_.mode);
    } catch (const Error&) {
      failure_ = std::current_exception();
    }
    options_.mode = file_.mode;
    options_.run_dir = file_.run_dir;
    options_.autoscale = file_.autoscale;
    options_.max_dead_letters = file_.max_dead_letters;
    options_.batch = file_.batch;
    options_.journal = true;
    options_.commit_every = file_.commit_every;
    options_.grace = file_.grace;
    options_.heartbeat_timeout = file_.heartbeat_timeout;
    options_.on_status = [this, progress = observe::Progress(stderr, ::isatty(STDERR_FILENO) == 1)](
                             const RunStatus& status) mutable {
      progress(status);
      if (history_) history_->note(status, std::chrono::system_clock::now());
    };
    options_.on_start = [this] {
      save_record(record_, file_.run_dir);
      history_.emplace(file_.run_dir).begin();
    };
  }

  RunOptions& options() { return options_; }

  /// Parts of a run can be run again in batch mode alone, so "auto" means that.
  void run_part(const std::string& from, const std::string& only) {
    options_.batch.from = from;
    options_.batch.only = only;
    if (from.empty() && only.empty()) return;
    if (options_.mode == Mode::automatic) {
      options_.mode = Mode::batch;
      record_.mode = "batch";
    }
    if (!only.empty()) options_.on_start = nullptr;  // it happens beside the run
  }

  /// Goes on with the run in its directory, which says all of it already. One whose mode was left
  /// to the machine goes on as it began: streaming keeps a journal.
  void go_on() {
    options_.resume = true;
    options_.on_start = [this] { history_.emplace(file_.run_dir); };
    if (options_.mode != Mode::automatic) return;
    std::error_code missing;
    const bool streamed = std::filesystem::exists(options_.run_dir / "journal", missing);
    options_.mode = streamed ? Mode::streaming : Mode::batch;
  }

  RunStatus run() {
    return run_erased([this] { return build(); }, options_);
  }

  void summarise(const RunStatus& status) const {
    fmt::print(
        "{}: {} of {} records done in {:.2f} s ({:.1f}/s)\n", status.pipeline, status.done,
        status.inputs, status.seconds,
        static_cast<double>(status.done - status.done_before) / std::max(status.seconds, 1e-9));
    if (status.done_before > 0) {
      fmt::print("{} of them were done before\n", status.done_before);
    }
    if (status.dead_letters > 0) {
      fmt::print("{} record{} could not be processed: '{}' says which and why\n",
                 status.dead_letters, status.dead_letters == 1 ? "" : "s",
                 (file_.run_dir / "dead_letters.jsonl").string());
    }
    summarise_losses(status.lost);
    for (const auto& hint : job::output_hints(stages_, file_.run_dir)) fmt::print("{}\n", hint);
  }

 private:
  static void summarise_losses(const std::vector<LostRank>& lost) {
    if (lost.empty()) return;
    std::string ranks;
    for (const auto& each : lost) {
      ranks += fmt::format("{}{} ({}, after {:.1f} s)", ranks.empty() ? "" : ", ", each.rank,
                           each.stage.empty() ? "idle" : each.stage, each.at);
    }
    fmt::print("lost on the way, and made up for: rank{} {}\n", lost.size() == 1 ? "" : "s", ranks);
  }

  ErasedSpec build() {
    if (failure_) std::rethrow_exception(failure_);
    auto registry = job::builtin_stages();
    stages_ = job::build_stages(file_, registry);
    if (is_coordinator()) make_run_dir(file_.run_dir);
    return job::build_spec(file_, stages_, options_);
  }

  RunRecord record_;
  job::JobFile file_;
  RunOptions options_;
  std::exception_ptr failure_;
  std::optional<observe::History> history_;  ///< on the coordinator, once the run has begun
  std::vector<job::JobStage> stages_;
};

// The same command for each rank.
int supervise_job(const JobArguments& arguments) {
  std::vector<std::string> command{"run", arguments.file};
  const auto add = [&](const char* option, const std::string& value) {
    if (!value.empty()) command.insert(command.end(), {option, value});
  };
  for (const auto& set : arguments.sets) add("--set", set);
  add("--mode", arguments.mode);
  add("--run-dir", arguments.run_dir);
  add("--from", arguments.from);
  add("--only", arguments.only);
  if (arguments.fresh) command.emplace_back("--fresh");
  const auto file =
      job::parse_job(job::read_job_text(arguments.file), arguments.file, arguments.sets);
  const std::filesystem::path run_dir =
      arguments.run_dir.empty() ? file.run_dir.string() : arguments.run_dir;
  return supervise(arguments.ranks, std::move(command), std::filesystem::absolute(run_dir));
}

}  // namespace

Mode mode_option(const std::string& text) {
  const auto mode = job::parse_mode(text);
  if (mode) return *mode;
  throw UsageError(fmt::format("--mode {}: the mode must be {}", text, job::mode_wanted));
}

int run_job(const JobArguments& arguments) {
  if (is_supervisor(arguments.ranks)) return supervise_job(arguments);
  JobRun job([&] { return record_of(arguments); }, arguments.run_dir);
  job.options().workers = arguments.workers;
  job.options().fresh = arguments.fresh;
  job.run_part(arguments.from, arguments.only);
  const auto status = job.run();
  if (is_coordinator()) job.summarise(status);
  return 0;
}

namespace {

int go_on(const ResumeArguments& arguments, bool retry) {
  const auto run_dir = std::filesystem::absolute(arguments.run_dir);
  if (is_supervisor(arguments.ranks)) {
    std::vector<std::string> command{"resume", run_dir.string()};
    if (arguments.force) command.emplace_back("--force");
    return supervise(arguments.ranks, std::move(command), run_dir);
  }
  JobRun job([&] { return enter(load_record(run_dir)); }, run_dir.string());
  job.options().workers = arguments.workers;
  job.options().retry = retry;
  job.options().force = arguments.force;
  job.go_on();
  const auto status = job.run();
  if (is_coordinator()) job.summarise(status);
  return 0;
}

}  // namespace

int resume_job(const ResumeArguments& arguments) { return go_on(arguments, false); }

int retry_job(const ResumeArguments& arguments) { return go_on(arguments, true); }

}  // namespace sluice::cli
