#include "cli/options.hpp"

namespace sluice::cli {

void define_stages(CLI::App& command, StagesArguments& arguments) {
  command.add_option("kind", arguments.kind, "Only this kind")->type_name("NAME");
  command
      .add_option("--plugin", arguments.plugins, "Add the kinds of this plugin; may be repeated")
      ->type_name("PATH")
      ->allow_extra_args(false);
  command.add_flag("--json", arguments.json, "Print JSON");
}

void define_cat(CLI::App& command, CatArguments& arguments) {
  command.add_option("run_dir", arguments.run_dir, "The run directory")
      ->required()
      ->type_name("RUN_DIR");
  command.add_option("--stage", arguments.stage, "The stage, by name or number")->required();
  command.add_option("--key", arguments.keys, "Only records with this key; may be repeated")
      ->allow_extra_args(false);
  command.add_flag("--payload", arguments.payload, "Print bytes whole, as base64");
  command.add_flag("--replay", arguments.replay, "What the stage made in 'run --only'");
}

}  // namespace sluice::cli
