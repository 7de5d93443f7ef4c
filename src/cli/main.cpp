#include "cli/command_line.hpp"

#include <sluice/run.hpp>

int main(int argc, char** argv) {
  return sluice::guard_main([=] { return sluice::cli::run_command_line(argc, argv); });
}
