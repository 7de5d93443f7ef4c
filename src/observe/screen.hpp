#pragma once

#include <sluice/run.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace sluice::observe {

struct ScreenSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

/// Starts the line of the stage that holds the run up.
inline constexpr char bottleneck_mark = '>';

/// The run as lines that fit a screen: how far it is, and a line a stage with what its workers did
/// `lately`. Of more stages than there are rows those around the bottleneck are shown.
std::string screen_text(const RunStatus& status, const RunStatus& lately, ScreenSize size = {});
/// The stages' part of it, all of them.
std::string stage_table(const RunStatus& status, const RunStatus& lately, std::size_t columns = 80);

/// "57 of 120 done (48%), 1.9/s, 33 s left".
std::string summary_line(const RunStatus& status, double rate);
/// The stages in one line: "read 1 worker 3% busy, ocr 2 workers 98% busy".
std::string stage_line(const RunStatus& lately);
/// "45 s", "3 min 20 s", "2 h 5 min".
std::string readable_seconds(double seconds);
/// In five characters at most: "57", "99999", "123k", "1.23M".
std::string short_number(double number);

}  // namespace sluice::observe
