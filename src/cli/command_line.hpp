#pragma once

namespace sluice::cli {

/// Does what the command line says; returns the exit code or throws Error.
int run_command_line(int argc, char** argv);

}  // namespace sluice::cli
