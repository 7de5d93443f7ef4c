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
#include <array>
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
  int report;  ///< hears the error if it cannot become the program, and is closed if it can
  int most_files;
  bool at_terminal;
  pid_t parent;
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

[[noreturn]] void become(const Recipe& recipe) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != recipe.parent) ::_exit(127);
  if (!recipe.at_terminal) ::setpgid(0, 0);
  forget_signals();
  const int report = recipe.file_count;
  bool good = ::dup3(recipe.report, report, O_CLOEXEC) == report;
  for (int i = 0; i < recipe.file_count; ++i) good = ::dup2(recipe.files[i], i) == i && good;
  if (good) {
    close_from(report + 1, recipe.most_files);
    ::execve(recipe.program, recipe.arguments, recipe.variables);
  }
  const int error = errno;
  [[maybe_unused]] const auto written = ::write(report, &error, sizeof error);
  ::_exit(127);
}

// The child shares our memory until it has become another program, and this thread waits for that.
__attribute__((noinline)) pid_t start(const Recipe& recipe) {
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

store::Descriptor moved_up(int file) {
  return store::Descriptor(checked(::fcntl(file, F_DUPFD_CLOEXEC, above_all), "hand a file on"));
}

/// Where the child reports that it could not become its program. Its end is closed when it has:
/// a sanitizer makes a plain fork of vfork, after which nobody waits by himself.
struct Report {
  Report() {
    std::array<int, 2> ends{};
    checked(::pipe2(ends.data(), O_CLOEXEC), "make a pipe");
    ours = store::Descriptor(ends[0]);
    const store::Descriptor low(ends[1]);
    theirs = moved_up(low.get());
  }

  int wait() {
    theirs = store::Descriptor();
    int error = 0;
    uninterrupted([&] { return ::read(ours.get(), &error, sizeof error); });
    return error;
  }

  store::Descriptor ours;
  store::Descriptor theirs;
};

}  // namespace

Child::Child(const ChildSpec& spec) : in_own_group_(!spec.at_terminal) {
  const auto arguments = pointers(spec.arguments);
  const auto variables = pointers(spec.variables);
  std::vector<store::Descriptor> moved;
  std::vector<int> files;
  for (const int file : spec.files) files.push_back(moved.emplace_back(moved_up(file)).get());
  Report report;
  const Recipe recipe{spec.program.c_str(),
                      arguments.data(),
                      variables.data(),
                      files.data(),
                      static_cast<int>(files.size()),
                      report.theirs.get(),
                      most_files(),
                      spec.at_terminal,
                      ::getpid()};
  pid_ = checked(start(recipe), "start a process");
  // The C library's own is not declared for C++ in glibc 2.36.
  death_ = store::Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  const int error = report.wait();
  if (error == 0) return;
  kill();
  errno = error;
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
