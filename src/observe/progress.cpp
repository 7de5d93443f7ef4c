#include "observe/progress.hpp"

#include "base/log.hpp"
#include "observe/screen.hpp"
#include "observe/status_json.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <utility>

namespace sluice::observe {
namespace {

constexpr double plain_interval = 5;  // seconds between plain lines

constexpr std::array<std::pair<const char*, ProgressForm>, 4> forms{
    {{"screen", ProgressForm::screen},
     {"plain", ProgressForm::plain},
     {"json", ProgressForm::json},
     {"quiet", ProgressForm::quiet}}};

std::string json_line(const RunStatus& status, double rate) {
  auto json = to_json(status);
  json["rate"] = rate;
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

std::optional<ProgressForm> progress_form(const std::string& name) {
  for (const auto& [known, form] : forms) {
    if (name == known) return form;
  }
  return std::nullopt;
}

Progress::Progress(int file, std::optional<ProgressForm> form) : terminal_(file) {
  form_ = form.value_or(terminal_.is_screen() ? ProgressForm::screen : ProgressForm::plain);
  if (form_ == ProgressForm::screen) before_log_lines([this] { terminal_.wipe(); });
}

Progress::~Progress() {
  if (form_ == ProgressForm::screen) before_log_lines(nullptr);
}

void Progress::operator()(const RunStatus& status) {
  const auto lately = recent_.note(status);
  show(status, status.finished ? in_all(status) : lately);
}

void Progress::show(const RunStatus& status, const RunStatus& lately) {
  if (form_ == ProgressForm::screen) {
    terminal_.draw(screen_text(status, lately, terminal_.size()));
  } else if (form_ == ProgressForm::json) {
    terminal_.print(json_line(status, rate_of(lately)));
  } else if (form_ == ProgressForm::plain &&
             (status.finished || status.seconds - printed_at_ >= plain_interval)) {
    printed_at_ = status.seconds;
    terminal_.print(fmt::format("{}: {}; {}", status.pipeline,
                                summary_line(status, rate_of(lately)), stage_line(lately)));
  }
}

}  // namespace sluice::observe
