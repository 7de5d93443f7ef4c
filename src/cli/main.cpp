#include "cli/command_line.hpp"
#include "cli/supervise.hpp"

#include <sluice/run.hpp>

int main(int argc, char** argv) {
  const int code = sluice::guard_main([=] { return sluice::cli::run_command_line(argc, argv); });
  sluice::cli::tell_supervisor(code);
  return code;
}
