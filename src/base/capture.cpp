#include "base/capture.hpp"

#include <fmt/format.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>

namespace sluice {

std::string shell_quoted(const std::string& word) {
  constexpr const char* plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=./:,+@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string quoted = "'";
  for (const char character : word) {
    quoted += character == '\'' ? std::string("'\\''") : std::string(1, character);
  }
  return quoted + "'";
}

std::optional<Captured> capture(const std::vector<std::string>& command,
                                std::chrono::seconds limit) {
  std::string line = fmt::format("exec timeout -k 1 {}", limit.count());
  for (const auto& word : command) line += " " + shell_quoted(word);
  line += " 2>/dev/null </dev/null";
  std::FILE* output = ::popen(line.c_str(), "re");
  if (output == nullptr) return std::nullopt;
  Captured captured;
  std::array<char, 4096> buffer{};
  while (const auto count = std::fread(buffer.data(), 1, buffer.size(), output)) {
    captured.out.append(buffer.data(), count);
  }
  const int status = ::pclose(output);
  if (status < 0) return std::nullopt;
  captured.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  constexpr int cannot_be_started = 126;
  if (captured.code == cannot_be_started || captured.code == cannot_be_started + 1) {
    return std::nullopt;
  }
  return captured;
}

}  // namespace sluice
