#include "store/sealed_text.hpp"

#include "store/checksum.hpp"

#include <fmt/format.h>

namespace sluice::store {

std::string seal(std::string_view kind, std::string_view line) {
  const auto body = fmt::format("{}\n{}\n", kind, line);
  return fmt::format("{}xxh3 {:016x}\n", body, checksum(body));
}

std::optional<std::string> unseal(std::string_view kind, std::string_view text) {
  const auto start = kind.size() + 1;
  const auto end = text.find('\n', start);
  if (!text.starts_with(kind) || end == std::string_view::npos) return std::nullopt;
  auto line = std::string(text.substr(start, end - start));
  if (!text.starts_with(seal(kind, line))) return std::nullopt;
  return line;
}

}  // namespace sluice::store
