#include "cli/options.hpp"

namespace sluice::cli {

void define_sbatch(CLI::App& command, SbatchArguments& arguments) {
  define_job(command, arguments.job);
  define_mode(command, arguments.job);
  command
      .add_option("--run-dir", arguments.job.run_dir,
                  "Folder that relative output paths belong to; overrides the job file")
      ->type_name("FOLDER");
  command
      .add_option("--topology", arguments.topology,
                  "The nodes to ask for, such as 4x(64c,8g); without it one like this one")
      ->type_name("NODES");
  command
      .add_option("--time", arguments.time,
                  "The job's time limit, as sbatch takes it; without it, from the plan")
      ->type_name("TIME");
  command.add_option("--output", arguments.output, "The script; without it, JOB.sbatch here")
      ->type_name("FILE");
  command.add_flag("--submit", arguments.submit, "Submit the script, and print the job's id");
  command.add_option("flags", arguments.flags, "After --: flags for sbatch")->type_name("FLAG");
}

void define_merge(CLI::App& command, MergeArguments& arguments) {
  command.add_option("run_dirs", arguments.run_dirs, "The shards' run directories")
      ->required()
      ->type_name("RUN_DIR");
  command
      .add_option("--out", arguments.out,
                  "Folder for merged.json and dead_letters.jsonl; without it, the one that the "
                  "first run directory is in")
      ->type_name("FOLDER");
}

void define_doctor(CLI::App& command, DoctorArguments& arguments) {
  command.add_option("job", arguments.job, "Look at what this job needs, too")
      ->type_name("JOB.toml");
  command.add_option("--folder", arguments.folder, "Where run directories will be")
      ->type_name("FOLDER");
}

}  // namespace sluice::cli
