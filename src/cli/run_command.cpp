#include "base/safe_text.hpp"
#include "cli/commands.hpp"
#include "cli/run_record.hpp"
#include "cli/run_summary.hpp"
#include "cli/supervise.hpp"
#include "job/build.hpp"
#include "observe/history.hpp"
#include "observe/live_page.hpp"
#include "observe/progress.hpp"
#include "store/trace_file.hpp"

#include <sluice/error.hpp>
#include <sluice/run.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace sluice::cli {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> all_sets(const JobArguments& arguments) {
  auto sets = arguments.sets;
  if (!arguments.shard.empty()) sets.push_back(fmt::format("input.shard=\"{}\"", arguments.shard));
  return sets;
}

fs::path run_dir_of(const JobArguments& arguments, const job::JobFile& file) {
  return arguments.run_dir.empty() ? file.run_dir : job::run_dir_in(arguments.run_dir, file);
}

// The run as its run directory will know it.
RunRecord record_of(const JobArguments& arguments) {
  return {job::read_job_text(arguments.file), arguments.file, all_sets(arguments), arguments.mode,
          fs::current_path()};
}

// Relative paths of the job belong to the folder in which it ran.
RunRecord enter(RunRecord record) {
  std::error_code error;
  fs::current_path(record.folder, error);
  if (!error) return record;
  throw InputError(fmt::format("the run's folder '{}' cannot be entered: {}",
                               record.folder.string(), error.message()));
}

void make_run_dir(const fs::path& run_dir) {
  std::error_code error;
  fs::create_directories(run_dir, error);
  if (!error) return;
  throw IoError(fmt::format(
      "cannot create the run directory '{}': {}; choose another with --run-dir or pipeline.run_dir",
      run_dir.string(), error.message()));
}

constexpr std::string_view in_addresses =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~";

/// A job on its way from its file to its end.
class JobRun {
 public:
  // The mode must be known before the ranks meet, but an error must wait until then, so that one
  // rank's stops them all.
  explicit JobRun(const std::function<RunRecord()>& record,
                  const std::function<fs::path(const job::JobFile&)>& run_dir) {
    try {
      record_ = record();
      file_ = job::parse_job(record_.job, record_.file, record_.sets);
      file_.run_dir = run_dir(file_);
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
    options_.logs = true;
    options_.commit_every = file_.commit_every;
    options_.grace = file_.grace;
    options_.heartbeat_timeout = file_.heartbeat_timeout;
    options_.device_path = file_.device_path;
    options_.stop_before_end = file_.stop_before_end;
    options_.on_status = [this](const RunStatus& status) {
      if (!progress_) progress_.emplace(STDERR_FILENO, observe::progress_form(watch_.progress));
      (*progress_)(status);
      if (history_) history_->note(status, std::chrono::system_clock::now());
      if (page_) page_->note(status);
    };
    options_.on_start = [this] {
      open_page();  // it may fail, and the run before is still there
      remove_summary(file_.run_dir);
      save_record(record_, file_.run_dir);
      history_.emplace(file_.run_dir).begin();
    };
  }

  RunOptions& options() { return options_; }

  void watch(const WatchArguments& arguments) {
    if (options_.mode == Mode::debug && (arguments.trace || !arguments.page.empty())) {
      failure_ = std::make_exception_ptr(UsageError(
          "debug mode has neither --trace nor --page: it runs one batch after the other, "
          "and only says how it goes; use streaming or batch mode"));
    }
    options_.trace = arguments.trace;
    watch_ = arguments;
  }

  /// Parts of a run can be run again in batch mode alone, so "auto" means that.
  void run_part(const std::string& from, const std::string& only) {
    options_.batch.from = from;
    options_.batch.only = only;
    if (from.empty() && only.empty()) return;
    if (options_.mode == Mode::automatic) {
      options_.mode = Mode::batch;
      record_.mode = "batch";
    }
    if (only.empty()) return;
    options_.on_start = nullptr;  // it happens beside the run
    whole_ = false;
  }

  /// Goes on with the run in its directory, which says all of it already. One whose mode was left
  /// to the machine goes on as it began: streaming keeps a journal.
  void go_on() {
    options_.resume = true;
    options_.on_start = [this] {
      open_page();
      remove_summary(file_.run_dir);
      history_.emplace(file_.run_dir);
    };
    if (options_.mode != Mode::automatic) return;
    std::error_code missing;
    const bool streamed = fs::exists(options_.run_dir / "journal", missing);
    options_.mode = streamed ? Mode::streaming : Mode::batch;
  }

  RunStatus run() {
    return run_erased([this] { return build(); }, options_);
  }

  void summarise(const RunStatus& status) const {
    if (whole_ && whole_input_->records > 0 && options_.mode != Mode::debug) {
      save_summary(status, *whole_input_, file_.run_dir);
    }
    fmt::print(
        "{}: {} of {} records done in {:.2f} s ({:.1f}/s)\n", one_line(status.pipeline),
        status.done, status.inputs, status.seconds,
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
    if (options_.trace && !store::trace_files(file_.run_dir).empty()) {
      fmt::print("traced: {} writes it as one file\n",
                 command_hint("sluice report --trace", file_.run_dir.string()));
    }
    for (const auto& hint : job::output_hints(stages_, file_.run_dir)) fmt::print("{}\n", hint);
  }

 private:
  static void summarise_losses(const std::vector<LostRank>& lost) {
    if (lost.empty()) return;
    std::string ranks;
    for (const auto& each : lost) {
      ranks += fmt::format("{}{} ({}, after {:.1f} s)", ranks.empty() ? "" : ", ", each.rank,
                           each.stage.empty() ? "idle" : one_line(each.stage), each.at);
    }
    fmt::print("lost on the way, and made up for: rank{} {}\n", lost.size() == 1 ? "" : "s", ranks);
  }

  void open_page() {
    if (watch_.page.empty()) return;
    auto token = watch_.token;
    if (const char* said = std::getenv(token_variable); token.empty() && said != nullptr) {
      token = said;
    }
    if (token.empty()) token = observe::random_token();
    if (token == "none") token.clear();
    if (token.find_first_not_of(in_addresses) != std::string::npos) {
      throw UsageError(
          "--page-token: letters, digits, '-', '_', '.' and '~' can stand in an address");
    }
    const auto port = static_cast<std::uint16_t>(std::stoul(watch_.page));
    page_.emplace(file_.run_dir, port, std::move(token));
    fmt::print(stderr, "sluice: the run, live: {}\n", page_->address());
  }

  ErasedSpec build() {
    if (failure_) std::rethrow_exception(failure_);
    auto registry = job::builtin_stages();
    stages_ = job::build_stages(file_, registry);
    if (is_coordinator()) make_run_dir(file_.run_dir);
    return job::build_spec(file_, stages_, options_, whole_input_);
  }

  RunRecord record_;
  job::JobFile file_;
  RunOptions options_;
  std::exception_ptr failure_;
  std::optional<observe::Progress> progress_;  ///< on the coordinator, from the first picture on
  std::optional<observe::History> history_;    ///< on the coordinator, once the run has begun
  WatchArguments watch_;
  std::optional<observe::LivePage> page_;  ///< likewise, if one is wanted
  std::vector<job::JobStage> stages_;
  std::shared_ptr<job::InputFacts> whole_input_ = std::make_shared<job::InputFacts>();
  bool whole_ = true;  ///< not a part of a run, again
};

void add_watch(const WatchArguments& arguments, std::vector<std::string>& command) {
  command.insert(command.end(), {"--progress", arguments.progress});
  if (arguments.trace) command.emplace_back("--trace");
  if (!arguments.page.empty()) command.push_back("--page=" + arguments.page);
  // Options of programs are for everybody to see.
  if (!arguments.token.empty()) ::setenv(token_variable, arguments.token.c_str(), 1);
}

// The same command for each rank.
int supervise_job(const JobArguments& arguments) {
  std::vector<std::string> command{"run", arguments.file};
  const auto add = [&](const char* option, const std::string& value) {
    if (!value.empty()) command.insert(command.end(), {option, value});
  };
  for (const auto& set : all_sets(arguments)) add("--set", set);
  add("--mode", arguments.mode);
  add("--run-dir", arguments.run_dir);
  add("--from", arguments.from);
  add("--only", arguments.only);
  if (arguments.fresh) command.emplace_back("--fresh");
  if (arguments.resume) command.emplace_back("--resume");
  add_watch(arguments.watch, command);
  const auto run_dir = run_dir_of(arguments, job::load_job(arguments.file, all_sets(arguments)));
  return supervise(arguments.ranks, std::move(command), fs::absolute(run_dir));
}

}  // namespace

Mode mode_option(const std::string& text) {
  const auto mode = job::parse_mode(text);
  if (mode) return *mode;
  throw UsageError(fmt::format("--mode {}: the mode must be {}", text, job::mode_wanted));
}

namespace {

// The terminal may go away while the run goes on; who looks at it then, looks from elsewhere. These
// handlers are not for the processes of stages: they end with exec.
void outlive_terminal() {
  for (const int signal : {SIGHUP, SIGPIPE}) {
    const auto before = std::signal(signal, [](int) {});
    if (before == SIG_IGN) std::signal(signal, SIG_IGN);
  }
}

void conclude(const JobRun& job, const RunStatus& status) {
  if (!is_coordinator()) return;
  try {
    job.summarise(status);
  } catch (const std::system_error&) {  // nobody reads it any more, and the run has ended well
  }
}

int go_on(const ResumeArguments& arguments, bool retry) {
  outlive_terminal();
  const auto run_dir = fs::absolute(arguments.run_dir);
  if (is_supervisor(arguments.ranks)) {
    std::vector<std::string> command{"resume", run_dir.string()};
    if (arguments.force) command.emplace_back("--force");
    add_watch(arguments.watch, command);
    return supervise(arguments.ranks, std::move(command), run_dir);
  }
  JobRun job([&] { return enter(load_record(run_dir)); },
             [&](const job::JobFile&) { return run_dir; });
  job.options().workers = arguments.workers;
  job.options().retry = retry;
  job.options().force = arguments.force;
  job.watch(arguments.watch);
  job.go_on();
  const auto status = job.run();
  conclude(job, status);
  return 0;
}

void note_changes(const JobArguments& arguments, const fs::path& run_dir) {
  const auto begun = load_record(run_dir);
  const auto now = record_of(arguments);
  if (begun.job == now.job && begun.sets == now.sets && begun.mode == now.mode) return;
  fmt::print(stderr,
             "sluice: goes on with the run in '{}' as it was begun: the job has changed since, or "
             "other options were given then, which does not count; --fresh begins anew\n",
             run_dir.string());
}

// The run to go on with, if that is wanted and there is one. All ranks see the same: the file is
// there before they start, or is written once they have met. What is wrong with the job is said
// then, too.
std::optional<ResumeArguments> begun(const JobArguments& arguments) {
  if (!arguments.resume) return std::nullopt;
  try {
    const auto run_dir = run_dir_of(arguments, job::load_job(arguments.file, all_sets(arguments)));
    if (!fs::exists(run_dir / "run.json")) return std::nullopt;
    if (is_coordinator()) note_changes(arguments, run_dir);
    return ResumeArguments{run_dir.string(), arguments.workers, false, arguments.watch, {}};
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

}  // namespace

int run_job(const JobArguments& arguments) {
  outlive_terminal();
  if (is_supervisor(arguments.ranks)) return supervise_job(arguments);
  if (const auto before = begun(arguments)) return go_on(*before, false);
  JobRun job([&] { return record_of(arguments); },
             [&](const job::JobFile& file) { return run_dir_of(arguments, file); });
  job.options().workers = arguments.workers;
  job.options().fresh = arguments.fresh;
  job.watch(arguments.watch);
  job.run_part(arguments.from, arguments.only);
  const auto status = job.run();
  conclude(job, status);
  return 0;
}

int resume_job(const ResumeArguments& arguments) { return go_on(arguments, false); }

int retry_job(const ResumeArguments& arguments) { return go_on(arguments, true); }

}  // namespace sluice::cli
