#include "cli/command_line.hpp"

#include "cli/options.hpp"

#include <sluice/error.hpp>
#include <sluice/run.hpp>
#include <sluice/version.hpp>

#include <fmt/format.h>

#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <system_error>

namespace sluice::cli {
namespace {

/// Where a command is performed: those that concern no ranks answer once under a launcher too.
enum class Ranks { all, one };

/// Performs a command, all of whose work is what it prints.
int print_by(const std::function<int()>& command) {
  int code = 0;
  try {
    code = command();
  } catch (const std::system_error&) {  // from fmt
    if (std::ferror(stdout) == 0) throw;
  }
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  throw IoError("cannot write to standard output: it is closed, or its disk is full");
}

/// The commands, and which one was asked for.
class Commands {
 public:
  Commands() {
    app_.set_version_flag("--version", "sluice " SLUICE_VERSION);
    app_.require_subcommand(1);
    add("run", "Run a job, here or on all ranks of mpirun or srun", define_run, run_job,
        Ranks::all);
    add("resume", "Go on with a run that did not end", define_resume, resume_job, Ranks::all);
    add("retry", "Go on with a run, and process again what has dead letters", define_resume,
        retry_job, Ranks::all);
    add("plan", "Say how many workers each stage gets, where they sit and how fast the job will be",
        define_plan, plan_job);
    add("validate", "Check a job and its input without running it", define_job, validate_job);
    add("simulate", "Run a job in virtual time, on any number of ranks", define_simulate,
        simulate_job);
    add("sbatch", "Write a Slurm batch script for a job, sized from its plan", define_sbatch,
        write_sbatch);
    add("merge", "Look at the runs of a job's shards together", define_merge, merge_runs);
    add("doctor", "Check the machine and its software, and say how to mend what is wrong",
        define_doctor, check_environment);
    add("cat", "Print the records that a stage of a batch run made", define_cat, show_records);
    add("status", "Say how a run is doing, or how it ended", define_status, show_status);
    add("top", "Watch a run from another shell while it lasts", define_top, watch_run);
    add("report", "Write a page about a run: what it did when, and what held it up", define_report,
        write_report);
    add("stages", "Describe the stage kinds and their settings", define_stages, list_stages);
    add("completion", "Print what makes a shell complete commands, options and files",
        define_completion, print_completion);
    add("man", "Print a manual page", define_man, print_manual);
    add("reference", "Print a part of the reference, as Markdown", define_reference,
        print_reference);
  }

  void parse(int argc, char** argv) { app_.parse(argc, argv); }
  std::string help() const { return app_.help(); }
  int perform() const { return perform_(); }

 private:
  template <class Arguments>
  void add(const char* name, const char* about, void (*define)(CLI::App&, Arguments&),
           int (*act)(const Arguments&), Ranks ranks = Ranks::one) {
    auto* command = app_.add_subcommand(name, about);
    const auto arguments = std::make_shared<Arguments>();
    define(*command, *arguments);
    command->callback([this, arguments, act, ranks] {
      perform_ = [arguments, act, ranks] {
        if (ranks == Ranks::all) return act(*arguments);
        return is_coordinator() ? print_by([&] { return act(*arguments); }) : 0;
      };
    });
  }

  CLI::App app_{"Batch and streaming pipelines over MPI", "sluice"};
  std::function<int()> perform_;
};

// Prints what was asked for on one rank.
int print(const std::string& text) {
  if (is_coordinator()) std::fputs(text.c_str(), stdout);
  return 0;
}

// Every rank has the same command line, so one says what is wrong with it. The others end quietly,
// because a launcher that sees one of them fail might kill the one that speaks.
int refuse(const CLI::ParseError& error) {
  if (!is_coordinator()) return 0;
  throw UsageError(
      fmt::format("{}; 'sluice --help' and 'sluice COMMAND --help' say what is", error.what()));
}

}  // namespace

int run_command_line(int argc, char** argv) {
  Commands commands;
  try {
    commands.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return print(commands.help());
  } catch (const CLI::CallForVersion&) {
    return print("sluice " SLUICE_VERSION "\n");
  } catch (const CLI::ParseError& error) {
    return refuse(error);
  }
  return commands.perform();
}

}  // namespace sluice::cli
