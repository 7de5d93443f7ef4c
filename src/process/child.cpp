#include "process/child.hpp"

#include "process/system.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

namespace sluice::process {
namespace {

using Clock = std::chrono::steady_clock;

// Above any that a child is given, so that none is overwritten before it is passed on.
constexpr int above_all = 64;

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (const auto& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

/// What the child needs between vfork and exec, while it lives in our memory: no allocation, no
/// locks, nothing that others would notice.
struct Recipe {
  const char* program;
  char* const* arguments;
  char* const* variables;
  const int* files;
  int file_count;
  int most_files;
  bool at_terminal;
  pid_t parent;
  volatile int error = 0;  ///< the child writes it
};

void close_from(int first, int most_files) {
  if (::close_range(static_cast<unsigned>(first), ~0U, 0) == 0) return;
  for (int file = first; file < most_files; ++file) ::close(file);
}

void forget_signals() {
  struct sigaction usual {};
  usual.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &usual, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void become(Recipe& recipe) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != recipe.parent) ::_exit(127);
  if (!recipe.at_terminal) ::setpgid(0, 0);
  forget_signals();
  bool good = true;
  for (int i = 0; i < recipe.file_count; ++i) good = ::dup2(recipe.files[i], i) == i && good;
  if (good) {
    close_from(recipe.file_count, recipe.most_files);
    ::execve(recipe.program, recipe.arguments, recipe.variables);
  }
  recipe.error = errno;
  ::_exit(127);
}

// The child shares our memory until it has become another program, and this thread waits for that.
__attribute__((noinline)) pid_t start(Recipe& recipe) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::vfork();
  if (pid == 0) become(recipe);
  const int error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return pid;
}

int most_files() {
  rlimit limit{};
  constexpr rlim_t enough = 65536;
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return static_cast<int>(enough);
  return static_cast<int>(std::min(limit.rlim_cur, enough));
}

std::vector<store::Descriptor> moved_up(const std::vector<int>& files) {
  std::vector<store::Descriptor> moved;
  for (const int file : files) {
    moved.emplace_back(checked(::fcntl(file, F_DUPFD_CLOEXEC, above_all), "hand a file on"));
  }
  return moved;
}

}  // namespace

Child::Child(const ChildSpec& spec) : in_own_group_(!spec.at_terminal) {
  const auto arguments = pointers(spec.arguments);
  const auto variables = pointers(spec.variables);
  const auto moved = moved_up(spec.files);
  std::vector<int> files;
  for (const auto& file : moved) files.push_back(file.get());
  Recipe recipe{spec.program.c_str(),           arguments.data(), variables.data(), files.data(),
                static_cast<int>(files.size()), most_files(),     spec.at_terminal, ::getpid()};
  pid_ = checked(start(recipe), "start a process");
  // The C library's own is not declared for C++ in glibc 2.36.
  death_ = store::Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (recipe.error == 0) return;
  kill();
  errno = recipe.error;
  checked(-1, fmt::format("run '{}'", spec.program));
}

Child::~Child() { kill(); }

// It stays a zombie, so that its number, and its group's, is nobody else's.
bool Child::has_ended() const {
  siginfo_t info{};
  const auto id = static_cast<id_t>(pid_);
  return ::waitid(P_PID, id, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == pid_;
}

int Child::reap() {
  if (in_own_group_) ::kill(-pid_, SIGKILL);
  int status = 0;
  uninterrupted([&] { return ::waitpid(pid_, &status, 0); });
  status_ = status;
  return status;
}

std::optional<int> Child::wait(std::chrono::nanoseconds longest) {
  if (status_) return status_;
  const auto deadline = Clock::now() + longest;
  while (!has_ended()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return std::nullopt;
    // Without a descriptor for its death, look now and then.
    constexpr std::chrono::milliseconds now_and_then{10};
    pollfd file{death(), POLLIN, 0};
    ::poll(&file, 1, static_cast<int>(std::min(left, now_and_then).count()));
  }
  return reap();
}

int Child::kill() {
  if (status_) return *status_;
  if (!has_ended()) ::kill(in_own_group_ ? -pid_ : pid_, SIGKILL);
  return reap();
}

std::string status_text(int status) {
  if (WIFEXITED(status)) return fmt::format("exit code {}", WEXITSTATUS(status));
  const int signal = WTERMSIG(status);
  return fmt::format("signal {} ({})", signal, ::strsignal(signal));
}

bool killed_by_others(int status) {
  // A shell tells of its program's signal by its exit code.
  const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status) - 128;
  return signal == SIGKILL || signal == SIGTERM || signal == SIGHUP || signal == SIGINT;
}

}  // namespace sluice::process
