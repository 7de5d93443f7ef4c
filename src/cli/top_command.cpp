#include "base/safe_text.hpp"
#include "cli/commands.hpp"
#include "cli/run_record.hpp"
#include "observe/history.hpp"
#include "observe/recent.hpp"
#include "observe/screen.hpp"
#include "observe/terminal.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <system_error>
#include <thread>

namespace sluice::cli {
namespace {

void show(observe::Terminal& terminal, const std::vector<observe::Moment>& moments,
          const std::filesystem::path& run_dir) {
  const auto& last = moments.back();
  const auto lately = observe::lately(moments);
  const auto state = state_sentence(last, run_dir) + '.';
  if (terminal.is_screen()) {
    auto size = terminal.size();
    --size.rows;
    terminal.draw(observe::screen_text(last.status, lately, size) + state + '\n');
  } else {
    terminal.print(fmt::format("{}: {}; {}; {}", last.status.pipeline,
                               observe::summary_line(last.status, observe::rate_of(lately)),
                               observe::stage_line(lately), state));
  }
}

bool shows_nothing_yet(const std::filesystem::path& run_dir) {
  std::error_code missing;
  const auto size = std::filesystem::file_size(observe::history_path(run_dir), missing);
  return missing || size == 0;
}

// Whoever starts a run may look at once, and its first picture takes a moment.
void await_run(const std::filesystem::path& run_dir, double wait) {
  using Clock = std::chrono::steady_clock;
  if (wait <= 0 || !shows_nothing_yet(run_dir)) return;
  fmt::print(stderr,
             "sluice: no run has begun in '{}' yet: waiting for one, {} at most; ^C ends that\n",
             one_line(run_dir.string()), observe::readable_seconds(wait));
  const auto until = Clock::now() + std::chrono::duration<double>(wait);
  while (shows_nothing_yet(run_dir) && Clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

}  // namespace

int watch_run(const TopArguments& arguments) {
  const std::filesystem::path run_dir = arguments.run_dir;
  observe::Terminal terminal(STDOUT_FILENO);
  await_run(run_dir, arguments.wait);
  while (true) {
    const auto moments = observe::read_history(run_dir);
    const auto state = run_state(moments.back().status, run_dir);
    show(terminal, moments, run_dir);
    if (state != "running" || terminal.is_gone()) return 0;
    std::this_thread::sleep_for(std::chrono::duration<double>(arguments.interval));
  }
}

}  // namespace sluice::cli
