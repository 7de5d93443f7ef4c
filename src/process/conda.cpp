#include "process/environment.hpp"

#include <fstream>
#include <sstream>

namespace sluice::process {
namespace {

namespace fs = std::filesystem;

bool is_conda(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / "conda-meta", ignored);
}

std::string text_of(const Variables& variables, const char* name) {
  const auto found = variables.find(name);
  return found == variables.end() ? std::string() : found->second;
}

// Installations of conda, each of which is the environment "base".
std::vector<fs::path> installations(const Variables& variables) {
  std::vector<fs::path> found;
  if (const auto root = text_of(variables, "MAMBA_ROOT_PREFIX"); !root.empty()) {
    found.emplace_back(root);
  }
  if (const auto program = text_of(variables, "CONDA_EXE"); !program.empty()) {
    found.push_back(fs::path(program).parent_path().parent_path());
  }
  const auto program = find_program("conda", variables);
  std::error_code ignored;
  const auto file = program.empty() ? fs::path() : fs::canonical(program, ignored);
  if (!file.empty()) found.push_back(file.parent_path().parent_path());
  const fs::path home = text_of(variables, "HOME");
  for (const auto* name : {"miniconda3", "miniforge3", "mambaforge", "anaconda3", "micromamba"}) {
    found.push_back(home / name);
  }
  return found;
}

// The folders of environments that conda has written down, one a line.
fs::path written_down(const std::string& name, const fs::path& home) {
  std::ifstream list(home / ".conda" / "environments.txt");
  for (std::string line; std::getline(list, line);) {
    if (fs::path(line).filename() == name && is_conda(line)) return line;
  }
  return {};
}

}  // namespace

fs::path find_conda(const std::string& name, const Variables& variables) {
  const fs::path home = text_of(variables, "HOME");
  const auto roots = installations(variables);
  if (name == "base") {
    for (const auto& root : roots) {
      if (is_conda(root)) return root;
    }
    return {};
  }
  std::vector<fs::path> folders;
  for (const auto* variable : {"CONDA_ENVS_PATH", "CONDA_ENVS_DIRS"}) {
    std::istringstream list(text_of(variables, variable));
    for (std::string folder; std::getline(list, folder, ':');) folders.emplace_back(folder);
  }
  for (const auto& root : roots) folders.push_back(root / "envs");
  folders.push_back(home / ".conda" / "envs");
  for (const auto& folder : folders) {
    if (is_conda(folder / name)) return folder / name;
  }
  return written_down(name, home);
}

}  // namespace sluice::process
