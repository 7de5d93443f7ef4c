#pragma once

#include "job/input_facts.hpp"
#include "job/job_file.hpp"

#include <sluice/registry.hpp>
#include <sluice/run.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace sluice::job {

/// A stage whose kind is found, its settings checked, and its stage made once to see that it can
/// be.
struct JobStage {
  StageSpec spec;
  StageKind kind;
  Settings settings;
  std::string description;  ///< of all that decides what it does
};

/// The built-in stage kinds.
StageRegistry builtin_stages();

/// The stages of the job; loads the plugins that it names. Throws UsageError and PluginError.
std::vector<JobStage> build_stages(const JobFile& job, StageRegistry& registry);

/// What the engine runs. The options' mode and run directory are used as they are. `whole_input`,
/// if it is not null, is filled in when the input is read.
ErasedSpec build_spec(const JobFile& job, const std::vector<JobStage>& stages, RunOptions options,
                      std::shared_ptr<InputFacts> whole_input = nullptr);

/// Where the outputs are and how to look at them: a line for each sink.
std::vector<std::string> output_hints(const std::vector<JobStage>& stages,
                                      const std::filesystem::path& run_dir);

}  // namespace sluice::job
