#include "cli/options.hpp"

namespace sluice::cli {
namespace {

void define_run_dir(CLI::App& command, std::string& run_dir) {
  command.add_option("run_dir", run_dir, "The run directory")->required()->type_name("RUN_DIR");
}

}  // namespace

void define_status(CLI::App& command, StatusArguments& arguments) {
  define_run_dir(command, arguments.run_dir);
  command.add_flag("--json", arguments.json, "Print JSON");
}

void define_top(CLI::App& command, TopArguments& arguments) {
  define_run_dir(command, arguments.run_dir);
  command.add_option("--interval", arguments.interval, "Between two looks")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.1, 86400.0));
  command.add_option("--wait", arguments.wait, "How long to wait for a run that is about to begin")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, 86400.0));
}

void define_report(CLI::App& command, ReportArguments& arguments) {
  define_run_dir(command, arguments.run_dir);
  command
      .add_option("-o,--out", arguments.out,
                  "Where to write it; RUN_DIR/report.html by default, or RUN_DIR/trace.json")
      ->type_name("FILE");
  auto* json =
      command.add_flag("--json", arguments.json, "Print what the page shows as JSON instead");
  command
      .add_flag("--trace", arguments.trace,
                "Write the run's trace instead, for Perfetto or chrome://tracing: what each rank "
                "did when, in a run with --trace")
      ->excludes(json);
}

void define_stages(CLI::App& command, StagesArguments& arguments) {
  command.add_option("kind", arguments.kind, "Only this kind")->type_name("KIND");
  command
      .add_option("--plugin", arguments.plugins, "Add the kinds of this plugin; may be repeated")
      ->type_name("PATH")
      ->allow_extra_args(false);
  command.add_flag("--json", arguments.json, "Print JSON");
}

void define_cat(CLI::App& command, CatArguments& arguments) {
  define_run_dir(command, arguments.run_dir);
  command.add_option("--stage", arguments.stage, "The stage, by name or number")
      ->required()
      ->type_name("STAGE");
  command.add_option("--key", arguments.keys, "Only records with this key; may be repeated")
      ->type_name("KEY")
      ->allow_extra_args(false);
  command.add_flag("--payload", arguments.payload, "Print bytes whole, as base64");
  command.add_flag("--replay", arguments.replay, "What the stage made in 'run --only'");
}

}  // namespace sluice::cli
