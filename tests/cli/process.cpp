#include "cli/process.hpp"

#include "store/scratch_folder.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <system_error>
#include <thread>

namespace sluice::cli {
namespace {

using Clock = std::chrono::steady_clock;

void check(int error, const char* doing) {
  if (error != 0) throw std::system_error(error, std::generic_category(), doing);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (auto& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// The first of two equal names counts.
std::vector<std::string> environment_with(const std::string& tmpdir) {
  std::vector<std::string> variables{"TMPDIR=" + tmpdir};
  std::istringstream settings(SLUICE_MPI_ENVIRONMENT);
  for (std::string setting; settings >> setting;) variables.push_back(setting);
  for (char** variable = environ; *variable != nullptr; ++variable) {
    variables.emplace_back(*variable);
  }
  return variables;
}

// In a process group of its own, so that its children can be killed with it.
pid_t spawn(std::vector<std::string>& command, const std::string& folder) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addchdir_np(&files, folder.c_str());
  constexpr int flags = O_WRONLY | O_CREAT | O_TRUNC;
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, (folder + "/.out").c_str(), flags, 0600);
  posix_spawn_file_actions_addopen(&files, 2, (folder + "/.err").c_str(), flags, 0600);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
  // A shell ignores SIGINT on behalf of what it runs in the background.
  sigset_t handled;
  ::sigfillset(&handled);
  posix_spawnattr_setsigdefault(&attributes, &handled);
  auto variables = environment_with(folder);
  pid_t child = 0;
  const int error = posix_spawnp(&child, command[0].c_str(), &files, &attributes,
                                 pointers(command).data(), pointers(variables).data());
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  check(error, command[0].c_str());
  return child;
}

// The wait status; at the deadline kills the group, of which mpirun's ranks are not.
int wait_until(pid_t child, Clock::time_point deadline, bool& timed_out) {
  int status = 0;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    if (Clock::now() > deadline) {
      timed_out = true;
      ::kill(-child, SIGKILL);
      ::waitpid(child, &status, 0);
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return status;
}

// Leaves it to be waited for.
bool has_ended(pid_t child) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == child;
}

// Those whose working directory is the folder.
std::vector<pid_t> processes_in(const std::filesystem::path& folder) {
  std::vector<pid_t> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const auto name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::error_code gone;
    if (std::filesystem::read_symlink(entry.path() / "cwd", gone) == folder) {
      found.push_back(std::stoi(name));
    }
  }
  return found;
}

void kill_all_in(const std::filesystem::path& folder) {
  for (auto left = processes_in(folder); !left.empty(); left = processes_in(folder)) {
    for (const pid_t process : left) ::kill(process, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

Ended ended(pid_t child, const std::filesystem::path& folder, Clock::time_point deadline) {
  Ended how;
  const int status = wait_until(child, deadline, how.timed_out);
  if (how.timed_out) kill_all_in(std::filesystem::canonical(folder));
  if (WIFEXITED(status) && !how.timed_out) how.code = WEXITSTATUS(status);
  how.out = store::read_text(folder / ".out");
  how.err = store::read_text(folder / ".err");
  return how;
}

}  // namespace

pid_t rank_in(const std::filesystem::path& folder, int rank) {
  const auto wanted = "OMPI_COMM_WORLD_RANK=" + std::to_string(rank);
  for (const pid_t process : processes_in(std::filesystem::canonical(folder))) {
    std::ifstream variables("/proc/" + std::to_string(process) + "/environ");
    for (std::string variable; std::getline(variables, variable, '\0');) {
      if (variable == wanted) return process;
    }
  }
  return 0;
}

Ended run_and_signal(std::vector<std::string> command, const std::filesystem::path& folder,
                     const std::function<bool()>& moment, int signal,
                     const std::function<pid_t()>& target, int times) {
  const auto deadline = Clock::now() + std::chrono::seconds(60);
  const pid_t child = spawn(command, folder.string());
  while (!moment() && Clock::now() < deadline && !has_ended(child)) {
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  for (int i = 0; i < times && !has_ended(child); ++i) {
    if (i > 0) std::this_thread::sleep_for(std::chrono::milliseconds(500));
    const pid_t receiver = target ? target() : child;
    if (receiver > 0) ::kill(receiver, signal);
  }
  return ended(child, folder, deadline);
}

void expect_code(const Ended& ended, int code) {
  const bool launcher_crashed = ended.code == -1 && !ended.timed_out &&
                                ended.err.find("PMIx_server_finalize") != std::string::npos;
  if (launcher_crashed) return;
  EXPECT_EQ(ended.code, code) << ended.err;
}

void run_and_kill(std::vector<std::string> command, const std::filesystem::path& folder,
                  const std::function<bool()>& moment) {
  const auto deadline = Clock::now() + std::chrono::seconds(60);
  const pid_t child = spawn(command, folder.string());
  while (!moment() && Clock::now() < deadline) {
    if (::waitpid(child, nullptr, WNOHANG) != 0) return;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  ::kill(-child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  kill_all_in(std::filesystem::canonical(folder));
}

Ended run_process(std::vector<std::string> command, const std::filesystem::path& folder,
                  std::chrono::seconds limit) {
  const pid_t child = spawn(command, folder.string());
  return ended(child, folder, Clock::now() + limit);
}

std::string why_no_mounts(const std::filesystem::path& folder) {
  const auto tried = run_process({"unshare", "-m", "mount", "-t", "tmpfs", "none", "."}, folder);
  return tried.code == 0 ? "" : "this user may not mount file systems: " + tried.err;
}

std::vector<std::string> sluice_command(int ranks, const std::vector<std::string>& arguments) {
  std::vector<std::string> command;
  if (ranks > 0) command = {SLUICE_MPIEXEC, "-n", std::to_string(ranks)};
  command.emplace_back(SLUICE_BINARY);
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

}  // namespace sluice::cli
