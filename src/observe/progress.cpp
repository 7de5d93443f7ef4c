#include "observe/progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace sluice::observe {
namespace {

constexpr double plain_interval = 5;  // seconds between plain lines
constexpr std::size_t bar_width = 30;

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 1 : static_cast<double>(part) / static_cast<double>(whole);
}

// The stage that batch mode is at, or null: the last one of which it is known what it has to take.
const StageStatus* current_stage(const RunStatus& status) {
  const StageStatus* current = nullptr;
  for (const auto& stage : status.stages) {
    if (stage.expected) current = &stage;
  }
  return status.finished ? nullptr : current;
}

double share_done(const RunStatus& status) {
  const auto* stage = current_stage(status);
  if (stage == nullptr) return share(status.done, status.inputs);
  const auto before = static_cast<double>(stage - status.stages.data());
  return (before + share(stage->records_in, *stage->expected)) /
         static_cast<double>(status.stages.size());
}

std::string bar(double share) {
  const auto filled = static_cast<std::size_t>(share * bar_width);
  return '[' + std::string(filled, '#') + std::string(bar_width - filled, '.') + ']';
}

double total_time(const StageStatus& stage) {
  return stage.running + stage.starved + stage.blocked;
}

double percent(double part, double whole) { return whole > 0 ? 100 * part / whole : 0; }

std::string dead_letters(const RunStatus& status) {
  if (status.dead_letters == 0) return {};
  return fmt::format(", {} dead letter{}", status.dead_letters,
                     status.dead_letters == 1 ? "" : "s");
}

}  // namespace

double RecentRate::note(double seconds, std::uint64_t done) {
  while (samples_.size() > 1 && samples_[1].first <= seconds - window_) samples_.pop_front();
  const auto [then, done_then] = samples_.front();
  samples_.emplace_back(seconds, done);
  return seconds > then ? static_cast<double>(done - done_then) / (seconds - then) : 0;
}

std::string readable_seconds(double seconds) {
  const auto whole = static_cast<long>(std::lround(seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string summary_line(const RunStatus& status, double rate) {
  if (const auto* stage = current_stage(status)) {
    return fmt::format("stage {} of {}, {}: {} of {} records ({:.0f}%){}",
                       stage - status.stages.data() + 1, status.stages.size(), stage->name,
                       stage->records_in, *stage->expected,
                       100 * share(stage->records_in, *stage->expected), dead_letters(status));
  }
  auto line = fmt::format("{} of {} done ({:.0f}%), {:.3g}/s{}", status.done, status.inputs,
                          100 * share_done(status), rate, dead_letters(status));
  if (status.finished) return line + ", took " + readable_seconds(status.seconds);
  if (rate <= 0) return line;
  const auto left = static_cast<double>(status.inputs - status.done) / rate;
  return line + ", " + readable_seconds(left) + " left";
}

std::string stage_table(const RunStatus& status) {
  std::size_t width = 5;
  for (const auto& stage : status.stages) width = std::max(width, stage.name.size());
  auto table = fmt::format("  {:<{}}  workers         in        out  running  starved  blocked\n",
                           "stage", width);
  for (const auto& stage : status.stages) {
    const double whole = total_time(stage);
    table += fmt::format("  {:<{}}  {:>7}  {:>9}  {:>9}  {:>6.0f}%  {:>6.0f}%  {:>6.0f}%\n",
                         stage.name, width, stage.workers, stage.records_in, stage.records_out,
                         percent(stage.running, whole), percent(stage.starved, whole),
                         percent(stage.blocked, whole));
  }
  return table;
}

std::string stage_line(const RunStatus& status) {
  std::string line;
  for (const auto& stage : status.stages) {
    line += fmt::format("{}{} {} worker{} {:.0f}% busy", line.empty() ? "" : ", ", stage.name,
                        stage.workers, stage.workers == 1 ? "" : "s",
                        percent(stage.running, total_time(stage)));
  }
  return line;
}

void Progress::operator()(const RunStatus& status) {
  double rate = rate_.note(status.seconds, status.done);
  if (status.finished) rate = RecentRate(status.seconds).note(status.seconds, status.done);
  const auto summary = summary_line(status, rate);
  if (terminal_) {
    redraw(fmt::format("{}  {}\n{}\n{}", status.pipeline, bar(share_done(status)), summary,
                       stage_table(status)));
  } else if (status.finished || status.seconds - printed_at_ >= plain_interval) {
    printed_at_ = status.seconds;
    fmt::print(out_, "{}: {}; {}\n", status.pipeline, summary, stage_line(status));
  }
  std::fflush(out_);
}

// Moves up over the last picture and clears each line before writing it anew.
void Progress::redraw(const std::string& text) {
  std::string drawing = lines_drawn_ > 0 ? fmt::format("\x1b[{}A", lines_drawn_) : "";
  for (const char c : text) {
    if (c == '\n') drawing += "\x1b[K";
    drawing += c;
  }
  lines_drawn_ = static_cast<int>(std::count(text.begin(), text.end(), '\n'));
  std::fputs(drawing.c_str(), out_);
}

}  // namespace sluice::observe
