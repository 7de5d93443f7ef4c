#pragma once

#include "cli/command_tree.hpp"

#include <string>

namespace sluice::cli {

/// Manual pages, as man reads them: sluice(1), and one for each command.
std::string program_page(const ProgramText& program);
std::string command_page(const CommandText& command);

}  // namespace sluice::cli
