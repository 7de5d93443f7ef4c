#include "runtime/stop_signals.hpp"

#include "transport/mpi.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <mutex>
#include <optional>
#include <thread>

namespace sluice::runtime {
namespace {

struct Handled {
  int signal;
  const char* name;
  bool insists;  ///< the second one ends the process
};
constexpr std::array<Handled, 3> handled{
    {{SIGTERM, "SIGTERM", true}, {SIGINT, "SIGINT", true}, {SIGUSR1, "SIGUSR1", false}}};

constexpr std::int64_t one_press = 300'000'000;  // ns

// What the handler reads and writes: lock-free atomics alone.
std::atomic<std::uint32_t> count{0};
std::atomic<int> last{0};
std::atomic<std::int64_t> first_at{0};  ///< when the runs under way were asked; 0: they were not
std::atomic<transport::Transport*> to_wake{nullptr};
std::atomic<int> handling{0};  ///< threads in the handler
static_assert(decltype(first_at)::is_always_lock_free && decltype(to_wake)::is_always_lock_free);

std::mutex installing;
int installed = 0;  // StopSignals alive
std::array<struct sigaction, handled.size()> previous;

std::int64_t nanoseconds_now() noexcept {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

bool insists(int signal) noexcept {
  for (const auto& each : handled) {
    if (each.signal == signal) return each.insists;
  }
  return false;
}

void on_signal(int signal) {
  ++handling;
  const int error = errno;
  const auto now = nanoseconds_now();
  std::int64_t asked = 0;
  const bool first = first_at.compare_exchange_strong(asked, now);
  if (!first && insists(signal) && now - asked > one_press) {
    ::_exit(static_cast<int>(ExitCode::stopped));
  }
  last = signal;
  ++count;
  if (auto* transport = to_wake.load()) transport->notify();
  errno = error;
  --handling;
}

void install() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  ::sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < handled.size(); ++i) {
    ::sigaction(handled[i].signal, nullptr, &previous[i]);
    if (previous[i].sa_handler != SIG_IGN) ::sigaction(handled[i].signal, &action, nullptr);
  }
}

void restore() {
  for (std::size_t i = 0; i < handled.size(); ++i) {
    ::sigaction(handled[i].signal, &previous[i], nullptr);
  }
}

}  // namespace

StopSignals::StopSignals(bool enabled, transport::Transport* woken) : enabled_(enabled) {
  if (!enabled_) return;
  const std::lock_guard lock(installing);
  before_ = count;
  if (woken != nullptr) to_wake = woken;
  if (installed++ > 0) return;
  first_at = 0;
  install();
}

StopSignals::~StopSignals() {
  if (!enabled_) return;
  const std::lock_guard lock(installing);
  if (--installed > 0) return;
  restore();
  to_wake = nullptr;
  while (handling > 0) std::this_thread::yield();  // another thread may be about to notify
}

int StopSignals::received() const noexcept {
  return enabled_ && count != before_ ? last.load() : 0;
}

// What is left of the launcher's patience is for the commit and the message.
std::chrono::nanoseconds grace_after(int signal, std::chrono::nanoseconds wanted) {
  constexpr std::chrono::nanoseconds longest = std::chrono::hours(24 * 365);
  const auto patience = signal == SIGTERM ? transport::launcher_patience() : std::nullopt;
  return std::min<std::chrono::nanoseconds>({wanted, longest, patience ? *patience / 2 : longest});
}

std::string signal_name(int signal) {
  if (signal == end_of_job) return "the end of its Slurm job";
  for (const auto& each : handled) {
    if (each.signal == signal) return each.name;
  }
  return fmt::format("signal {}", signal);
}

}  // namespace sluice::runtime
