#include "observe/screen.hpp"

#include "base/text_width.hpp"
#include "observe/analysis.hpp"
#include "observe/recent.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

namespace sluice::observe {
namespace {

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

// Null unless stages run one by one.
const StageStatus* stage_at_work(const RunStatus& status) {
  return is_one_by_one(status) ? current_stage(status) : nullptr;
}

double share_done(const RunStatus& status) {
  const auto* stage = current_stage(status);
  if (stage == nullptr) return share(status.done, status.inputs);
  const auto before = static_cast<double>(stage - status.stages.data());
  return (before + share(stage->records_in, *stage->expected)) /
         static_cast<double>(status.stages.size());
}

std::string percent(double share) { return fmt::format("{:.0f}%", 100 * share); }

// 100% is for what is over.
std::string percent_done(double share) { return percent(std::floor(100 * share) / 100); }

std::string plural(std::uint64_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string dead_letters(const RunStatus& status) {
  return status.dead_letters == 0 ? "" : ", " + plural(status.dead_letters, "dead letter");
}

std::string title(const RunStatus& status, std::size_t columns) {
  const auto done = share_done(status);
  const auto name = fitted(status.pipeline, std::min(columns / 2, cells(status.pipeline)));
  const auto percent = fmt::format("{:3.0f}%", std::floor(100 * done));
  const auto taken = cells(name) + percent.size() + 4;
  const auto width = columns > taken + 10 ? columns - taken - 1 : 10;
  const auto filled =
      static_cast<std::size_t>(std::clamp(done, 0.0, 1.0) * static_cast<double>(width));
  return fmt::format("{} [{}{}] {}", name, std::string(filled, '#'),
                     std::string(width - filled, '.'), percent);
}

/// A column of the table, `width` wide with the blanks before it.
struct Column {
  const char* name;
  std::size_t width;
  bool optional;  ///< the first to go where there is little room
};
constexpr std::array<Column, 10> table{{{"workers", 8, false},
                                        {"run", 5, false},
                                        {"starve", 7, false},
                                        {"block", 6, false},
                                        {"in", 6, false},
                                        {"out", 6, false},
                                        {"filt", 6, true},
                                        {"dead", 6, true},
                                        {"queue", 6, true},
                                        {"rec/s", 6, false}}};
constexpr std::size_t narrowest_name = 10;

std::size_t columns_width(bool with_optional) {
  std::size_t width = 2;
  for (const auto& column : table) width += column.optional && !with_optional ? 0 : column.width;
  return width;
}

// Before the first stage there is the input, which waits for nobody.
std::string queue(const RunStatus& status, std::size_t k) {
  const auto& stage = status.stages[k];
  if (stage.expected) {
    return short_number(
        static_cast<double>(*stage.expected - std::min(*stage.expected, stage.records_in)));
  }
  if (k >= status.channels.size()) return "-";
  return short_number(static_cast<double>(status.channels[k].records));
}

class Table {
 public:
  Table(const RunStatus& status, const RunStatus& lately, std::size_t columns)
      : status_(status), lately_(lately), found_(analyse(lately)) {
    whole_ = columns >= columns_width(true) + narrowest_name;
    std::size_t longest = 5;
    for (const auto& stage : status.stages) longest = std::max(longest, cells(stage.name));
    const auto room = columns - std::min(columns, columns_width(whole_) + 1);
    name_ = std::min(longest, std::max(narrowest_name, room));
  }

  std::optional<std::size_t> bottleneck() const {
    if (status_.finished) return std::nullopt;
    if (const auto* at_work = stage_at_work(status_)) {
      return static_cast<std::size_t>(at_work - status_.stages.data());
    }
    return found_.bottleneck;
  }
  std::string head() const {
    std::array<std::string, table.size()> names;
    for (std::size_t i = 0; i < table.size(); ++i) names[i] = table[i].name;
    return line(' ', "stage", names);
  }
  std::string stage(std::size_t k) const {
    const auto& now = status_.stages[k];
    const auto& past = lately_.stages[k];
    const auto& did = found_.stages[k];
    const auto number = [](std::uint64_t value) {
      return short_number(static_cast<double>(value));
    };
    std::array<std::string, table.size()> cells{number(now.workers),    percent(did.busy),
                                                percent(did.starved),   percent(did.blocked),
                                                number(now.records_in), number(now.records_out),
                                                number(now.filtered),   number(now.dead),
                                                queue(status_, k),      short_number(speed(past))};
    if (rests(k)) {
      for (const auto each : {0, 1, 2, 3, 9}) cells.at(each) = "-";
    }
    return line(bottleneck() == k ? bottleneck_mark : ' ', now.name, cells);
  }

 private:
  // One by one: what such a stage did is over, or to come.
  bool rests(std::size_t k) const { return stage_at_work(status_) != nullptr && bottleneck() != k; }
  double speed(const StageStatus& past) const {
    const auto seconds = is_one_by_one(lately_) ? time_at_work(past) : lately_.seconds;
    return seconds > 0 ? static_cast<double>(past.records_in) / seconds : 0;
  }
  std::string line(char mark, const std::string& name,
                   const std::array<std::string, table.size()>& values) const {
    auto text = fmt::format("{} {}", mark, fitted(name, name_));
    for (std::size_t i = 0; i < table.size(); ++i) {
      if (!table[i].optional || whole_) text += fmt::format("{:>{}}", values[i], table[i].width);
    }
    return text;
  }

  const RunStatus& status_;
  const RunStatus& lately_;
  const Analysis found_;
  bool whole_ = true;     ///< optional columns too
  std::size_t name_ = 0;  ///< width
};

// So many of `all` that those around `middle` are among them: the first one.
std::size_t first_shown(std::size_t all, std::size_t shown, std::size_t middle) {
  return std::min(all - shown, middle - std::min(middle, shown / 2));
}

// What happened that is worth a look at the log.
std::string events(const RunStatus& status) {
  std::string text;
  if (!status.replans.empty()) text += plural(status.replans.size(), "change") + " of plan";
  if (!status.lost.empty()) {
    text += (text.empty() ? "" : ", ") + plural(status.lost.size(), "rank") + " lost";
  }
  return text;
}

}  // namespace

std::string short_number(double number) {
  if (number < 10) return fmt::format("{:.3g}", number);
  if (number < 99999.5) return fmt::format("{:.0f}", number);
  const char* unit = "kMGTPE";
  for (number /= 1000; number >= 999.5 && unit[1] != '\0'; number /= 1000) ++unit;
  const int places = number < 9.995 ? 2 : number < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f}{}", number, places, *unit);
}

std::string readable_seconds(double seconds) {
  constexpr double most = 1e15;  // which fits, whatever the rate
  const auto whole = std::lround(std::min(seconds, most));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string summary_line(const RunStatus& status, double rate) {
  if (const auto* stage = current_stage(status)) {
    return fmt::format(
        "stage {} of {}, {}: {} of {} records ({}){}", stage - status.stages.data() + 1,
        status.stages.size(), stage->name, stage->records_in, *stage->expected,
        percent_done(share(stage->records_in, *stage->expected)), dead_letters(status));
  }
  auto line = fmt::format("{} of {} done ({}), {:.3g}/s{}", status.done, status.inputs,
                          percent_done(share_done(status)), rate, dead_letters(status));
  if (status.finished) return line + ", took " + readable_seconds(status.seconds);
  if (rate <= 0) return line;
  const auto left =
      static_cast<double>(status.inputs - std::min(status.inputs, status.done)) / rate;
  return line + ", " + readable_seconds(left) + " left";
}

std::string stage_table(const RunStatus& status, const RunStatus& lately, std::size_t columns) {
  const Table table(status, lately, columns);
  auto text = table.head() + '\n';
  for (std::size_t k = 0; k < status.stages.size(); ++k) text += table.stage(k) + '\n';
  return text;
}

std::string screen_text(const RunStatus& status, const RunStatus& lately, ScreenSize size) {
  const Table table(status, lately, size.columns);
  std::vector<std::string> lines{title(status, size.columns), summary_line(status, rate_of(lately)),
                                 table.head()};
  const auto more = events(status);
  const auto all = status.stages.size();
  // A line for the events, one for those left out, and one that the cursor stands in.
  const auto room = std::max<std::size_t>(size.rows - std::min<std::size_t>(size.rows, 6), 1);
  const auto shown = std::min(all, room);
  const auto first = first_shown(all, shown, table.bottleneck().value_or(0));
  for (auto k = first; k < first + shown; ++k) lines.push_back(table.stage(k));
  if (shown < all) lines.push_back(fmt::format("  and {} more", plural(all - shown, "stage")));
  if (!more.empty()) lines.push_back(more);
  std::string text;
  for (const auto& line : lines) {
    const auto fit = fitted(line, size.columns - std::min<std::size_t>(size.columns, 1));
    text += fit.substr(0, fit.find_last_not_of(' ') + 1) + '\n';
  }
  return text;
}

std::string stage_line(const RunStatus& lately) {
  const auto found = analyse(lately);
  std::string line;
  const auto* at_work = stage_at_work(lately);
  for (std::size_t k = 0; k < lately.stages.size(); ++k) {
    const auto& stage = lately.stages[k];
    if (at_work != nullptr && at_work != &stage) continue;
    line += fmt::format("{}{} {} {} busy", line.empty() ? "" : ", ", stage.name,
                        plural(stage.workers, "worker"), percent(found.stages[k].busy));
  }
  return line;
}

}  // namespace sluice::observe
