#pragma once

#include <string>
#include <string_view>

// Names and keys may be anything; none is to make lines of its own, or speak to a terminal.
namespace sluice {

/// Control characters become '?', so that it stays on its line.
std::string one_line(std::string_view text);

/// What may have several lines: those after the first are indented, and look like none of another
/// beginning. Other control characters but tabs become '?'.
std::string safe_lines(std::string_view text);

/// "sluice: error: …" on standard error.
void say_error(std::string_view text);

/// A command about this path for people to copy: 'sluice resume runs/a', or, where a shell would
/// take the path apart, `sluice resume 'runs/my job'`.
std::string command_hint(std::string_view command, const std::string& path);

}  // namespace sluice
