#include "cli/supervise.hpp"

#include "transport/mpi.hpp"

#include <sluice/error.hpp>
#include <sluice/run.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <system_error>

extern char** environ;

namespace sluice::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* exit_file_variable = "SLUICE_EXIT_FILE";
constexpr int killed = 128 + SIGKILL;

volatile std::sig_atomic_t the_launcher = 0;  ///< the process id of mpirun, or 0
volatile std::sig_atomic_t told_to_stop = 0;

void pass_on(int signal) {
  told_to_stop = 1;
  if (the_launcher > 0) ::kill(static_cast<pid_t>(the_launcher), signal);
}

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = &pass_on;
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) ::sigaction(signal, &action, nullptr);
}

/// The file by which the coordinator says how the run ended.
class ExitFile {
 public:
  ExitFile() : path_((fs::temp_directory_path() / "sluice-exit-XXXXXX").string()) {
    const int file = ::mkstemp(path_.data());
    if (file < 0) {
      throw IoError(fmt::format("cannot create the file '{}': {}; make room there, or set TMPDIR",
                                path_, std::strerror(errno)));
    }
    ::close(file);
    ::setenv(exit_file_variable, path_.c_str(), 1);
  }
  ~ExitFile() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  ExitFile(const ExitFile&) = delete;
  ExitFile& operator=(const ExitFile&) = delete;

  /// `otherwise` if nothing was said.
  int take(int otherwise) {
    int code = otherwise;
    std::ifstream(path_) >> code;
    std::ofstream(path_, std::ios::trunc);
    return code;
  }

 private:
  std::string path_;
};

std::vector<std::string> mpirun_command(std::size_t ranks) {
  std::vector<std::string> command{"mpirun", "--enable-recovery", "-x", exit_file_variable};
  if (std::getenv(token_variable) != nullptr) command.insert(command.end(), {"-x", token_variable});
  command.insert(command.end(), {"-n", std::to_string(ranks), fs::read_symlink("/proc/self/exe")});
  return command;
}

// In a process group of its own: a signal from the terminal reaches it once, by way of us.
pid_t start(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const auto& each : command) arguments.push_back(const_cast<char*>(each.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  pid_t child = 0;
  const int error =
      ::posix_spawnp(&child, arguments.front(), &files, &attributes, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&files);
  ::posix_spawnattr_destroy(&attributes);
  if (error == 0) return child;
  throw LaunchError(fmt::format("cannot start {}: {}; --ranks needs Open MPI's mpirun on the PATH",
                                command.front(), std::strerror(error)));
}

// mpirun's own exit code.
int run_to_end(const std::vector<std::string>& command) {
  the_launcher = start(command);
  int status = 0;
  while (::waitpid(static_cast<pid_t>(the_launcher), &status, 0) < 0 && errno == EINTR) {
  }
  the_launcher = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// After these the run can go on, and nobody wanted it to end.
bool may_restart(int code) {
  return told_to_stop == 0 && (code == static_cast<int>(ExitCode::lost) ||
                               code == static_cast<int>(ExitCode::hung) || code > 128);
}

}  // namespace

bool is_supervisor(const RanksArguments& ranks) {
  return ranks.ranks > 0 && !transport::launched_by_mpi();
}

int supervise(const RanksArguments& ranks, std::vector<std::string> command,
              const fs::path& run_dir) {
  ExitFile exit_file;
  catch_signals();
  for (std::size_t restarts = 0;; ++restarts) {
    auto whole = mpirun_command(ranks.ranks);
    whole.insert(whole.end(), command.begin(), command.end());
    const int launcher_code = run_to_end(whole);
    const int code = exit_file.take(launcher_code == 0 ? killed : launcher_code);
    if (!may_restart(code) || restarts == ranks.restarts) return code;
    std::error_code missing;
    if (fs::exists(run_dir / "run.json", missing)) command = {"resume", run_dir.string()};
    std::fprintf(stderr, "sluice: the run ended with code %d; starting it again (%zu of %zu)\n",
                 code, restarts + 1, ranks.restarts);
  }
}

void tell_supervisor(int exit_code) {
  const char* path = std::getenv(exit_file_variable);
  if (path == nullptr || !transport::launched_by_mpi() || !is_coordinator()) return;
  std::ofstream(path, std::ios::trunc) << exit_code << '\n';
}

}  // namespace sluice::cli
