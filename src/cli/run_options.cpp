#include "cli/options.hpp"

namespace sluice::cli {
namespace {

void define_workers(CLI::App& command, std::size_t& workers) {
  command.add_option("--workers", workers, "Worker threads, when not started by mpirun or srun")
      ->type_name("N")
      ->check(CLI::PositiveNumber.description(""));
}

void define_ranks(CLI::App& command, RanksArguments& arguments) {
  auto* ranks = command
                    .add_option("--ranks", arguments.ranks,
                                "Start mpirun with so many ranks, one of them the coordinator, in "
                                "the way that lets the run outlive a rank")
                    ->type_name("N")
                    ->check(CLI::Range(2, 1'000'000).description(""));
  command
      .add_option("--restarts", arguments.restarts,
                  "How often to go on by itself with a run that is lost all the same")
      ->type_name("N")
      ->needs(ranks);
}

void define_watch(CLI::App& command, WatchArguments& arguments) {
  command
      .add_option(
          "--progress", arguments.progress,
          "How to show on standard error how the run goes: screen (redrawn in place), plain "
          "(a line every few seconds), json (a line of JSON a second), quiet, or auto: "
          "the screen on a terminal, plain lines elsewhere")
      ->check(CLI::IsMember({"auto", "screen", "plain", "json", "quiet"}));
  command.add_flag("--trace", arguments.trace,
                   "Write down what each rank does when; 'sluice report RUN_DIR --trace' makes one "
                   "file of it for a trace viewer");
  // A flag, since the next word on the command line would be taken for the port.
  auto* page = command.add_flag("--page{0}", arguments.page,
                                "Show the run to browsers on this machine while it lasts, and to "
                                "Prometheus at /metrics; --page=PORT, or any free port");
  page->type_name("PORT")->check(CLI::Range(0, 65535).description(""));
  command
      .add_option("--page-token", arguments.token,
                  "What a browser must know to see the page; 'none': nothing. By default it is "
                  "random, and printed. Others on the machine see options: the variable "
                  "SLUICE_PAGE_TOKEN says it to nobody else")
      ->type_name("TOKEN")
      ->needs(page);
}

}  // namespace

void define_job(CLI::App& command, JobArguments& arguments) {
  command.add_option("job", arguments.file, "The job file (TOML)")
      ->required()
      ->type_name("JOB.toml");
  command
      .add_option("--set", arguments.sets,
                  "Override a key of the job file, e.g. --set stage.write.settings.path=x.h5; "
                  "may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

void define_mode(CLI::App& command, JobArguments& arguments) {
  command.add_option("--mode", arguments.mode, "How to run the job; overrides the job file")
      ->type_name("auto|streaming|batch|debug");
}

void define_run(CLI::App& command, JobArguments& arguments) {
  define_job(command, arguments);
  define_mode(command, arguments);
  command
      .add_option("--run-dir", arguments.run_dir,
                  "Folder that relative output paths belong to; overrides the job file")
      ->type_name("FOLDER");
  define_workers(command, arguments.workers);
  auto* from = command
                   .add_option("--from", arguments.from,
                               "Run again from this stage on, on what the one before it made "
                               "(batch mode, keep_intermediates)")
                   ->type_name("STAGE");
  auto* only =
      command
          .add_option("--only", arguments.only,
                      "Run this stage again by itself; what it makes goes to RUN_DIR/replay and to "
                      "'sluice cat --replay'")
          ->type_name("STAGE")
          ->excludes(from);
  command.add_flag("--fresh", arguments.fresh,
                   "Start anew, even if the run directory holds this run, unfinished");
  command
      .add_flag("--resume", arguments.resume,
                "Go on with the run in the run directory, if there is one")
      ->excludes("--fresh")
      ->excludes(from)
      ->excludes(only);
  command
      .add_option(
          "--shard", arguments.shard,
          "Run the I-th of N equal parts of the input, in the folder shard-I-of-N of the run "
          "directory; 'sluice merge' looks at them together")
      ->type_name("I/N");
  define_watch(command, arguments.watch);
  define_ranks(command, arguments.ranks);
}

void define_resume(CLI::App& command, ResumeArguments& arguments) {
  command.add_option("run_dir", arguments.run_dir, "Its run directory")
      ->required()
      ->type_name("RUN_DIR");
  command.add_flag("--force", arguments.force,
                   "Go on even if the stages have changed, and mix the outputs of both");
  define_workers(command, arguments.workers);
  define_watch(command, arguments.watch);
  define_ranks(command, arguments.ranks);
}

}  // namespace sluice::cli
