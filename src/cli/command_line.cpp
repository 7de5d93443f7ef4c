#include "cli/command_line.hpp"

#include "cli/commands.hpp"

#include <sluice/error.hpp>
#include <sluice/run.hpp>
#include <sluice/version.hpp>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <string>

namespace sluice::cli {
namespace {

/// The commands, their options, and where CLI11 puts what was said.
class Options {
 public:
  Options() {
    app_.set_version_flag("--version", "sluice " SLUICE_VERSION);
    app_.require_subcommand(1);
    define_run();
    define_plan();
    define_validate();
    define_simulate();
    define_stages();
  }

  void parse(int argc, char** argv) { app_.parse(argc, argv); }
  std::string help() const { return app_.help(); }

  int perform() const {
    if (run_->parsed()) return run_job(job_);
    // The other commands concern no ranks; under a launcher one answer is enough.
    if (!is_coordinator()) return 0;
    if (planning_->parsed()) return plan_job(plan_);
    if (simulate_->parsed()) return simulate_job(simulation_);
    return validate_->parsed() ? validate_job(job_) : list_stages(stages_);
  }

 private:
  void define_run() {
    run_ = app_.add_subcommand("run", "Run a job, here or on all ranks of mpirun or srun");
    define_job(*run_, job_);
    run_->add_option("--mode", job_.mode, "auto, streaming or debug; overrides the job file");
    run_->add_option("--run-dir", job_.run_dir,
                     "Folder that relative output paths belong to; overrides the job file");
    run_->add_option("--workers", job_.workers,
                     "Worker threads, when not started by mpirun or srun")
        ->check(CLI::PositiveNumber);
  }

  void define_plan() {
    planning_ = app_.add_subcommand(
        "plan",
        "Say how many workers each stage gets, where they sit and how fast the job will be");
    define_job(*planning_, plan_.job);
    planning_
        ->add_option("--topology", plan_.topology,
                     "Plan for these nodes instead of those here: 16x(64c,8g), "
                     "2x(64c,8g,512GiB)+4x(128c), or a TOML file")
        ->type_name("NODES");
    planning_->add_flag("--explain", plan_.explain, "Say how the plan came about");
    planning_->add_flag("--json", plan_.json, "Print JSON");
  }

  void define_validate() {
    validate_ = app_.add_subcommand("validate", "Check a job and its input without running it");
    define_job(*validate_, job_);
  }

  void define_simulate() {
    simulate_ =
        app_.add_subcommand("simulate", "Run a job in virtual time, on any number of ranks");
    define_job(*simulate_, simulation_.job);
    simulate_
        ->add_option("--workers", simulation_.workers,
                     "Worker ranks on one node, without --topology")
        ->check(CLI::Range(std::size_t{1}, std::size_t{1'000'000}));
    simulate_
        ->add_option("--topology", simulation_.topology,
                     "The nodes: 16x(64c,8g), 2x(64c,8g,512GiB)+4x(128c), or a TOML file")
        ->type_name("NODES");
    simulate_->add_option("--seed", simulation_.seed,
                          "Another seed, another course; the same, the same");
    simulate_->add_option("--inputs", simulation_.inputs, "So many inputs instead of the job's");
    simulate_->add_option("--until", simulation_.until, "Stop after so many virtual seconds")
        ->check(CLI::PositiveNumber);
    simulate_
        ->add_option("--slow", simulation_.slow,
                     "From AT on the stage takes FACTOR times as long; may be repeated")
        ->type_name("STAGE:AT:FACTOR")
        ->allow_extra_args(false);
    simulate_
        ->add_option("--slow-rank", simulation_.slow_ranks,
                     "The rank takes FACTOR times as long; may be repeated")
        ->type_name("RANK:FACTOR")
        ->allow_extra_args(false);
    simulate_->add_option("--latency", simulation_.latency, "Of a message, in seconds")
        ->check(CLI::NonNegativeNumber);
    simulate_->add_option("--bandwidth", simulation_.bandwidth, "Of a link, in bytes/s")
        ->check(CLI::PositiveNumber);
    simulate_
        ->add_option("--handling", simulation_.handling,
                     "Seconds that a control message takes the coordinator")
        ->check(CLI::NonNegativeNumber);
    simulate_->add_flag("--json", simulation_.json, "Print JSON");
  }

  static void define_job(CLI::App& command, JobArguments& job) {
    command.add_option("job", job.file, "The job file (TOML)")->required()->type_name("JOB.toml");
    command
        .add_option("--set", job.sets,
                    "Override a key of the job file, e.g. --set stage.write.settings.path=x.h5; "
                    "may be repeated")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
  }

  void define_stages() {
    auto* command = app_.add_subcommand("stages", "Describe the stage kinds and their settings");
    command->add_option("kind", stages_.kind, "Only this kind")->type_name("NAME");
    command
        ->add_option("--plugin", stages_.plugins, "Add the kinds of this plugin; may be repeated")
        ->type_name("PATH")
        ->allow_extra_args(false);
    command->add_flag("--json", stages_.json, "Print JSON");
  }

  CLI::App app_{"Batch and streaming pipelines over MPI", "sluice"};
  CLI::App* run_ = nullptr;
  CLI::App* planning_ = nullptr;
  CLI::App* validate_ = nullptr;
  CLI::App* simulate_ = nullptr;
  JobArguments job_;
  PlanArguments plan_;
  SimulateArguments simulation_;
  StagesArguments stages_;
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
  Options options;
  try {
    options.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return print(options.help());
  } catch (const CLI::CallForVersion&) {
    return print("sluice " SLUICE_VERSION "\n");
  } catch (const CLI::ParseError& error) {
    return refuse(error);
  }
  return options.perform();
}

}  // namespace sluice::cli
