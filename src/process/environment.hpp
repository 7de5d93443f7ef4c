#pragma once

#include <sluice/process_stage.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::process {

using Variables = std::map<std::string, std::string>;

/// A command whose program is found and whose environment is made.
struct Prepared {
  std::string program;  ///< a path
  std::vector<std::string> arguments;
  Variables variables;
};

/// Throws UsageError, naming the key, for an environment or a program that is not there.
/// Of GPUs the program sees the worker's, and none if it has none, unless `env.variables` says
/// otherwise; in debug mode all that there are. `run_dir` is made visible in a container, and so is
/// `node_dir`, if it is there.
Prepared prepare(const ProcessOptions& options, const WorkerContext& context);

/// With "$SLUICE_NODE_DIR" at the beginning of folders, images and values replaced: environments
/// and images may be artifacts.
ProcessEnvironment on_node(ProcessEnvironment env, const std::filesystem::path& node_dir);

/// This process' variables, without those by which an MPI launcher speaks to its ranks: a program
/// that is no rank must not take itself for one.
Variables own_variables();

/// The folder of a conda environment that goes by this name; empty if there is none.
std::filesystem::path find_conda(const std::string& name, const Variables& variables);

/// The program as the system would find it on PATH, or as it is if it names a path; empty if there
/// is none.
std::string find_program(const std::string& name, const Variables& variables);

/// The variables that a piece of bash leaves behind; the same piece is run only once. `script` says
/// `env -0 >&3` in the end. Throws UsageError with what it printed, after `trouble`, if it fails.
Variables captured(const std::vector<std::string>& bash_arguments, const Variables& before,
                   const std::string& trouble);

}  // namespace sluice::process
