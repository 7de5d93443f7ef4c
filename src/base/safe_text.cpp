#include "base/safe_text.hpp"

#include "base/capture.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <cstdio>

namespace sluice {
namespace {

// How many bytes the control character has that begins here; 0 if none does. Those above 127 have
// two in UTF-8, and some terminals obey them.
std::size_t control_at(std::string_view text, std::size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < ' ' || byte == 0x7F) return 1;
  if (byte != 0xC2 || at + 1 == text.size()) return 0;
  const auto next = static_cast<unsigned char>(text[at + 1]);
  return next >= 0x80 && next < 0xA0 ? 2 : 0;
}

}  // namespace

std::string one_line(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto control = control_at(text, at);
    safe += control > 0 ? '?' : text[at];
    at += control > 0 ? control : 1;
  }
  return safe;
}

std::string safe_lines(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = text.find_first_of("\n\t", begin);
    safe += one_line(text.substr(begin, end - begin));
    if (end == std::string_view::npos) break;
    safe += text[end] == '\t' ? "\t" : "\n  ";
    begin = end + 1;
  }
  return safe;
}

void say_error(std::string_view text) {
  std::fprintf(stderr, "sluice: error: %s\n", safe_lines(text).c_str());
}

std::string command_hint(std::string_view command, const std::string& path) {
  const auto named = path.starts_with('-') ? "./" + path : path;  // else it would be an option
  const auto word = shell_quoted(named);
  if (word == named) return fmt::format("'{} {}'", command, word);
  return fmt::format("`{} {}`", command, word);
}

}  // namespace sluice
