#pragma once

#include "observe/recent.hpp"
#include "observe/terminal.hpp"

#include <sluice/run.hpp>

#include <optional>
#include <string>

namespace sluice::observe {

/// How a run's course is shown: a screen that is redrawn in place, a line every few seconds, a line
/// of JSON for each picture, or not at all.
enum class ProgressForm { screen, plain, json, quiet };

/// "screen", "plain", "json", "quiet"; nothing for "auto", which is the screen on a terminal and
/// plain lines elsewhere.
std::optional<ProgressForm> progress_form(const std::string& name);

/// Shows a run's course. Used from one thread; lines of the log may come from any.
class Progress {
 public:
  /// On the file with this number.
  explicit Progress(int file, std::optional<ProgressForm> form = {});
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void operator()(const RunStatus& status);

 private:
  void show(const RunStatus& status, const RunStatus& lately);

  Terminal terminal_;
  ProgressForm form_;
  Recent recent_;
  double printed_at_ = 0;
};

}  // namespace sluice::observe
