#include "base/capture.hpp"
#include "cli/commands.hpp"
#include "cli/sbatch_script.hpp"
#include "job/stages/write_file.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <filesystem>

namespace sluice::cli {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> sluice_run(const JobArguments& job) {
  std::vector<std::string> words{fs::read_symlink("/proc/self/exe"), "run", job.file};
  const auto add = [&](const char* option, const std::string& value) {
    if (!value.empty()) words.insert(words.end(), {option, value});
  };
  for (const auto& set : job.sets) add("--set", set);
  add("--mode", job.mode);
  add("--run-dir", job.run_dir);
  return words;
}

// A core for the coordinator, unless the workers need it.
PlanReport plan_for(const SbatchArguments& arguments) {
  PlanArguments plan{arguments.job, arguments.topology, false, false, 1};
  try {
    return make_plan_report(plan);
  } catch (const LaunchError&) {
    plan.reserved = 0;
    return make_plan_report(plan);
  }
}

std::string submit(const std::string& script) {
  const auto sent = capture({"sbatch", "--parsable", script}, std::chrono::seconds(60));
  if (!sent) throw LaunchError("there is no sbatch on the PATH; submit the script where Slurm is");
  if (sent->code == 0) return sent->out.substr(0, sent->out.find_first_of(";\n"));
  throw LaunchError(fmt::format("sbatch refuses '{0}'; `sbatch {0}` says why", script));
}

}  // namespace

int write_sbatch(const SbatchArguments& arguments) {
  const auto request = sized_request(plan_for(arguments), arguments.time);
  const auto script = arguments.output.empty()
                          ? fs::path(arguments.job.file).filename().replace_extension(".sbatch")
                          : fs::path(arguments.output);
  job::write_file(fs::absolute(script),
                  sbatch_script(request, sluice_run(arguments.job), arguments.flags));
  if (arguments.submit) {
    // The id alone on standard output, for scripts.
    for (const auto& reason : request.reasons) fmt::print(stderr, "{}\n", reason);
    fmt::print("{}\n", submit(script.string()));
    return 0;
  }
  for (const auto& reason : request.reasons) fmt::print("{}\n", reason);
  fmt::print("written: {0}; submit it with: sbatch {0}\n", script.string());
  return 0;
}

}  // namespace sluice::cli
