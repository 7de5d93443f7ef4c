#include "cli/command_line.hpp"
#include "cli/supervise.hpp"

#include <sluice/run.hpp>

#include <fcntl.h>
#include <unistd.h>

namespace {

// Whoever starts the program may have closed these three. A journal or an output that got such a
// number would get what is printed, too.
void fill_standard_files() {
  for (int file = STDIN_FILENO; file <= STDERR_FILENO; ++file) {
    if (::fcntl(file, F_GETFD) < 0) static_cast<void>(::open("/dev/null", O_RDWR));
  }
}

}  // namespace

int main(int argc, char** argv) {
  fill_standard_files();
  const int code = sluice::guard_main([=] { return sluice::cli::run_command_line(argc, argv); });
  sluice::cli::tell_supervisor(code);
  return code;
}
