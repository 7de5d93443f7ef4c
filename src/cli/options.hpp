#pragma once

#include "cli/command_tree.hpp"
#include "cli/commands.hpp"

#include <CLI/CLI.hpp>

namespace sluice::cli {

// Each gives a command its options, and CLI11 the place for what is said.
void define_run(CLI::App& command, JobArguments& arguments);
void define_resume(CLI::App& command, ResumeArguments& arguments);
void define_plan(CLI::App& command, PlanArguments& arguments);
void define_simulate(CLI::App& command, SimulateArguments& arguments);
void define_status(CLI::App& command, StatusArguments& arguments);
void define_top(CLI::App& command, TopArguments& arguments);
void define_report(CLI::App& command, ReportArguments& arguments);
void define_stages(CLI::App& command, StagesArguments& arguments);
void define_sbatch(CLI::App& command, SbatchArguments& arguments);
void define_merge(CLI::App& command, MergeArguments& arguments);
void define_doctor(CLI::App& command, DoctorArguments& arguments);
void define_cat(CLI::App& command, CatArguments& arguments);
void define_completion(CLI::App& command, CompletionArguments& arguments);
void define_man(CLI::App& command, ManArguments& arguments);
void define_reference(CLI::App& command, ReferenceArguments& arguments);

/// The job file, and what overrides its keys.
void define_job(CLI::App& command, JobArguments& arguments);
void define_mode(CLI::App& command, JobArguments& arguments);

/// What a program's commands and options are, but for those that its help does not show.
ProgramText describe_program(const CLI::App& app);

}  // namespace sluice::cli
