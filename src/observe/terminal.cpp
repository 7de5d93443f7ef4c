#include "observe/terminal.hpp"

#include "base/safe_text.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace sluice::observe {
namespace {

// In so many bytes at a time: of a terminal it is only known that it takes something.
constexpr std::size_t at_once = 512;
constexpr int patience = 5;  // ms

enum class Ready { yes, not_now, gone };

Ready ready(int file) {
  pollfd wanted{file, POLLOUT, 0};
  const int found = ::poll(&wanted, 1, patience);
  if (found < 0) return errno == EINTR ? Ready::not_now : Ready::gone;
  if (found == 0) return Ready::not_now;
  return (wanted.revents & (POLLERR | POLLHUP | POLLNVAL)) == 0 ? Ready::yes : Ready::gone;
}

std::string emphasised(std::string_view line) {
  if (line.empty() || line.front() != bottleneck_mark) return std::string(line);
  return fmt::format("\x1b[1m{}\x1b[0m", line);
}

}  // namespace

bool Terminal::is_screen() const {
  const char* kind = std::getenv("TERM");
  const std::string_view named = kind == nullptr ? "" : kind;
  return ::isatty(file_) == 1 && !named.empty() && named != "dumb";
}

ScreenSize Terminal::size() const {
  winsize window{};
  if (::ioctl(file_, TIOCGWINSZ, &window) != 0 || window.ws_col == 0 || window.ws_row == 0) {
    return {};
  }
  return {window.ws_col, window.ws_row};
}

// Each line is cleared before it is written anew, so that nothing flickers.
void Terminal::draw(const std::string& lines) {
  const std::lock_guard lock(mutex_);
  std::string text = drawn_ > 0 ? fmt::format("\x1b[{}A", drawn_) : "";
  for (std::size_t begin = 0; begin < lines.size();) {
    const auto end = std::min(lines.find('\n', begin), lines.size());
    text += emphasised(std::string_view(lines).substr(begin, end - begin)) + "\x1b[K\r\n";
    begin = end + 1;
  }
  text += "\x1b[J";
  const bool whole = write(text);
  drawn_ = whole ? static_cast<std::size_t>(std::count(lines.begin(), lines.end(), '\n')) : 0;
}

void Terminal::wipe() {
  const std::lock_guard lock(mutex_);
  if (drawn_ > 0) write(fmt::format("\x1b[{}A\x1b[J", drawn_));
  drawn_ = 0;
}

void Terminal::print(const std::string& line) {
  const std::lock_guard lock(mutex_);
  write(one_line(line) + '\n');
}

// False if not all of it was taken.
bool Terminal::write(std::string_view text) {
  while (!gone_ && !text.empty()) {
    const auto state = ready(file_);
    gone_ = state == Ready::gone;
    if (state != Ready::yes) return false;
    const auto count = ::write(file_, text.data(), std::min(text.size(), at_once));
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    gone_ = count <= 0;
    if (!gone_) text.remove_prefix(static_cast<std::size_t>(count));
  }
  return !gone_;
}

}  // namespace sluice::observe
