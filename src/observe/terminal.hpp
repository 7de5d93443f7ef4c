#pragma once

#include "observe/screen.hpp"

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>

namespace sluice::observe {

/// Where people look: standard error, or whatever it was sent to. One that hangs, is stopped, or is
/// gone costs what would have been seen there, and no time.
class Terminal {
 public:
  explicit Terminal(int file) : file_(file) {}

  /// Whether it is one that can draw, and not a file or pipe.
  bool is_screen() const;
  ScreenSize size() const;
  bool is_gone() const noexcept { return gone_; }

  /// Draws lines over those that were drawn before.
  void draw(const std::string& lines);
  /// What is written after this stands where the drawing was, which is drawn again next time.
  void wipe();
  void print(const std::string& line);

 private:
  bool write(std::string_view text);

  const int file_;
  bool gone_ = false;
  std::mutex mutex_;
  std::size_t drawn_ = 0;  ///< lines above the cursor
};

}  // namespace sluice::observe
