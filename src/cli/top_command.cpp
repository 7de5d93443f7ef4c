#include "cli/commands.hpp"
#include "cli/run_record.hpp"
#include "observe/history.hpp"
#include "observe/recent.hpp"
#include "observe/screen.hpp"
#include "observe/terminal.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
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

}  // namespace

int watch_run(const TopArguments& arguments) {
  const std::filesystem::path run_dir = arguments.run_dir;
  observe::Terminal terminal(STDOUT_FILENO);
  while (true) {
    const auto moments = observe::read_history(run_dir);
    const auto state = run_state(moments.back().status, run_dir);
    show(terminal, moments, run_dir);
    if (state != "running" || terminal.is_gone()) return 0;
    std::this_thread::sleep_for(std::chrono::duration<double>(arguments.interval));
  }
}

}  // namespace sluice::cli
