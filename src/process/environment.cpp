#include "process/environment.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <array>
#include <sstream>

namespace sluice::process {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 6> of_launchers{"OMPI_", "PMIX_", "PMI_",
                                                       "PRTE_", "ORTE_", "OPAL_"};

[[noreturn]] void fail(const std::string& problem) {
  throw UsageError(problem + " (docs/process-stages.md says more)");
}

std::string text_of(const Variables& variables, const std::string& name) {
  const auto found = variables.find(name);
  return found == variables.end() ? std::string() : found->second;
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

void put_on_path(const fs::path& folder, Variables& variables) {
  const auto path = text_of(variables, "PATH");
  variables["PATH"] = path.empty() ? folder.string() : folder.string() + ":" + path;
}

void load_modules(const std::vector<std::string>& modules, Variables& variables) {
  std::vector<std::string> bash{"-lc", R"(module load "$@" >&2 && env -0 >&3)", "bash"};
  bash.insert(bash.end(), modules.begin(), modules.end());
  const auto trouble = fmt::format(
      "env.modules = [\"{}\"] cannot be loaded ('module load' in a login "
      "shell of bash); load them by hand on this node to see why",
      fmt::join(modules, "\", \""));
  variables = captured(bash, variables, trouble);
}

void enter_venv(const std::string& given, Variables& variables) {
  const auto venv = fs::absolute(given).lexically_normal();
  if (!is_there(venv / "bin" / "python")) {
    fail(
        fmt::format("env.venv = \"{}\" is no virtual environment: '{}' does not exist; make "
                    "it with 'python3 -m venv {}' and install there what the stage needs",
                    given, (venv / "bin" / "python").string(), given));
  }
  put_on_path(venv / "bin", variables);
  variables["VIRTUAL_ENV"] = venv.string();
  variables.erase("PYTHONHOME");
}

fs::path conda_folder(const std::string& given, const Variables& variables) {
  const bool is_path = given.find('/') != std::string::npos;
  const auto folder =
      is_path ? fs::absolute(given).lexically_normal() : find_conda(given, variables);
  if (!folder.empty() && is_there(folder / "conda-meta")) return folder;
  fail(
      fmt::format("env.conda = \"{}\" is no conda environment here: {}; 'conda env list' "
                  "shows those that there are, 'conda create' makes one",
                  given,
                  is_path ? fmt::format("'{}' does not exist", (folder / "conda-meta").string())
                          : "none has that name (a folder would do, too)"));
}

void enter_conda(const std::string& given, Variables& variables) {
  const auto folder = conda_folder(given, variables);
  put_on_path(folder / "bin", variables);
  variables["CONDA_PREFIX"] = folder.string();
  variables["CONDA_DEFAULT_ENV"] = given;
  for (const auto* other : {"PYTHONHOME", "VIRTUAL_ENV"}) variables.erase(other);
  if (!is_there(folder / "etc/conda/activate.d")) return;
  variables = captured({"-c",
                        R"(for script in "$0"/etc/conda/activate.d/*.sh; do
                             if [ -e "$script" ]; then . "$script" >&2; fi
                           done
                           env -0 >&3)",
                        folder.string()},
                       variables, fmt::format("env.conda = \"{}\" cannot be activated", given));
}

std::string program_for(const std::string& name, const std::string& key,
                        const Variables& variables) {
  auto program = find_program(name, variables);
  if (!program.empty()) return program;
  fail(fmt::format("{} needs the program '{}', which {}", key, name,
                   name.find('/') == std::string::npos
                       ? fmt::format("is not on PATH ({})", text_of(variables, "PATH"))
                       : "does not exist here, or may not be executed"));
}

std::string apptainer(const Variables& variables) {
  auto program = find_program("apptainer", variables);
  if (program.empty()) program = find_program("singularity", variables);
  if (!program.empty()) return program;
  fail("env.container needs 'apptainer' (or 'singularity') on PATH, and there is none here");
}

// The working directory, the run directory and, if it is there, the node's folder are where they
// are outside.
void enter_container(const ProcessOptions& options, const WorkerContext& context,
                     Prepared& prepared) {
  const auto& image = options.env.container;
  const bool remote = image.find("://") != std::string::npos;
  if (!remote && !is_there(image)) {
    fail(fmt::format("env.container = \"{}\" does not exist; 'apptainer build {} …' makes it",
                     image, image));
  }
  prepared.program = apptainer(prepared.variables);
  const auto here = fs::current_path();
  std::vector<fs::path> folders{here, context.run_dir};
  if (is_there(context.node_dir)) folders.push_back(context.node_dir);
  prepared.arguments = {prepared.program, "exec"};
  if (!context.gpus.empty()) prepared.arguments.emplace_back("--nv");
  for (const auto& folder : folders) {
    prepared.arguments.emplace_back("--bind");
    prepared.arguments.push_back(fs::absolute(folder).lexically_normal().string());
  }
  for (const auto& argument : {std::string("--pwd"), here.string(), image}) {
    prepared.arguments.push_back(argument);
  }
  prepared.arguments.insert(prepared.arguments.end(), options.command.begin(),
                            options.command.end());
}

// As torchrun has them.
void add_group(const Group& group, Variables& variables) {
  variables["RANK"] = std::to_string(group.rank());
  variables["WORLD_SIZE"] = std::to_string(group.size());
  variables["LOCAL_RANK"] = std::to_string(group.local_rank());
  variables["LOCAL_WORLD_SIZE"] = std::to_string(group.local_size());
  variables["MASTER_ADDR"] = group.master_address();
  variables["MASTER_PORT"] = std::to_string(group.master_port());
}

}  // namespace

ProcessEnvironment on_node(ProcessEnvironment env, const fs::path& node_dir) {
  const auto replace = [&](std::string& text) {
    constexpr std::string_view variable = "$SLUICE_NODE_DIR";
    const auto rest = text.size() > variable.size() ? text[variable.size()] : '/';
    if (text.starts_with(variable) && rest == '/') {
      text.replace(0, variable.size(), node_dir.string());
    }
  };
  for (auto* path : {&env.venv, &env.conda, &env.container}) replace(*path);
  for (auto& variable : env.variables) replace(variable.second);
  return env;
}

Variables own_variables() {
  Variables variables;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view variable(*each);
    const auto equals = variable.find('=');
    if (equals == std::string_view::npos) continue;
    bool of_launcher = false;
    for (const auto prefix : of_launchers) of_launcher |= variable.starts_with(prefix);
    if (!of_launcher) variables.emplace(variable.substr(0, equals), variable.substr(equals + 1));
  }
  return variables;
}

std::string find_program(const std::string& name, const Variables& variables) {
  if (name.find('/') != std::string::npos) return ::access(name.c_str(), X_OK) == 0 ? name : "";
  std::istringstream path(text_of(variables, "PATH"));
  for (std::string folder; std::getline(path, folder, ':');) {
    const auto file = fs::path(folder.empty() ? "." : folder) / name;
    std::error_code ignored;
    if (::access(file.c_str(), X_OK) == 0 && !fs::is_directory(file, ignored)) return file.string();
  }
  return {};
}

Prepared prepare(const ProcessOptions& options, const WorkerContext& context) {
  if (options.command.empty() || options.command.front().empty()) {
    fail("command must name a program");
  }
  const auto& env = options.env;
  if (!env.venv.empty() + !env.conda.empty() + !env.container.empty() > 1) {
    fail("env may have one of venv, conda and container, not several");
  }
  Prepared prepared{{}, options.command, own_variables()};
  auto& variables = prepared.variables;
  if (!env.modules.empty()) load_modules(env.modules, variables);
  if (!env.venv.empty()) enter_venv(env.venv, variables);
  if (!env.conda.empty()) enter_conda(env.conda, variables);
  if (!context.debug)
    variables["CUDA_VISIBLE_DEVICES"] = fmt::format("{}", fmt::join(context.gpus, ","));
  if (context.group) add_group(*context.group, variables);
  for (const auto& [name, value] : env.variables) variables[name] = value;
  if (env.container.empty()) {
    prepared.program = program_for(options.command.front(), "command", variables);
  } else {
    enter_container(options, context, prepared);
  }
  return prepared;
}

}  // namespace sluice::process
