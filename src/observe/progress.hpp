#pragma once

#include <sluice/run.hpp>

#include <cstdio>
#include <deque>
#include <string>
#include <utility>

namespace sluice::observe {

/// Records done per second, lately: over the last `window` seconds, or since the start if the run
/// is younger.
class RecentRate {
 public:
  explicit RecentRate(double window = 20) : window_(window) {}
  /// Notes that `done` records were done `seconds` after the start, and returns the rate.
  double note(double seconds, std::uint64_t done);

 private:
  double window_;
  std::deque<std::pair<double, std::uint64_t>> samples_{{0.0, 0}};
};

/// "57 of 120 done (48%), 1.9/s, 33 s left".
std::string summary_line(const RunStatus& status, double rate);
/// A line a stage: workers, records in and out, and where the workers' time went.
std::string stage_table(const RunStatus& status);
/// The stages in one line: "read 1 worker 3% busy, ocr 2 workers 98% busy".
std::string stage_line(const RunStatus& status);
/// "45 s", "3 min 20 s", "2 h 5 min".
std::string readable_seconds(double seconds);

/// Shows a run's course on `out`: on a terminal a picture that is redrawn in place, otherwise a
/// plain line every few seconds. Used from one thread.
class Progress {
 public:
  Progress(std::FILE* out, bool terminal) : out_(out), terminal_(terminal) {}
  void operator()(const RunStatus& status);

 private:
  void redraw(const std::string& text);

  std::FILE* out_;
  bool terminal_;
  RecentRate rate_;
  int lines_drawn_ = 0;
  double printed_at_ = 0;
};

}  // namespace sluice::observe
