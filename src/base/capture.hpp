#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

/// What a program printed on standard output and its exit code, 124 if it took longer than `limit`.
struct Captured {
  int code = 0;
  std::string out;
};

/// Runs a program to its end, without input; its standard error is dropped. Nothing if it cannot be
/// started.
std::optional<Captured> capture(const std::vector<std::string>& command,
                                std::chrono::seconds limit = std::chrono::seconds(10));

/// The word as a shell takes it for one.
std::string shell_quoted(const std::string& word);

}  // namespace sluice
