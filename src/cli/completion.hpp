#pragma once

#include "cli/command_tree.hpp"

#include <string>

namespace sluice::cli {

// Each is a script that makes a shell complete sluice's commands, their options and values.
std::string bash_completion(const ProgramText& program);
std::string zsh_completion(const ProgramText& program);
std::string fish_completion(const ProgramText& program);

}  // namespace sluice::cli
