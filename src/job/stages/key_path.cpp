#include "job/stages/key_path.hpp"

#include <sluice/error.hpp>

#include <string>

namespace sluice::job {
namespace {

void append_letter(std::string& path, char letter) {
  if (letter == '%') {
    path += "%25";
  } else if (letter == '\0') {
    path += "%00";
  } else {
    path += letter;
  }
}

// A part of the key between two slashes.
void append_part(std::string& path, std::string_view part) {
  if (part == "." || part == "..") {
    for (std::size_t i = 0; i < part.size(); ++i) path += "%2E";
  } else {
    for (const char letter : part) append_letter(path, letter);
  }
}

}  // namespace

std::filesystem::path key_path(std::string_view key, std::string_view suffix) {
  if (key.empty()) throw StageError("a record with an empty key cannot name a file");
  std::string path;
  while (!key.empty()) {
    const auto slash = std::min(key.find('/'), key.size());
    append_part(path, key.substr(0, slash));
    if (slash == key.size()) break;
    const bool separates = slash > 0 && slash + 1 < key.size();
    path += separates ? "/" : "%2F";
    key.remove_prefix(slash + 1);
  }
  path += suffix;
  constexpr std::string_view partial = ".partial";
  if (path.ends_with(partial)) path.replace(path.size() - partial.size(), 1, "%2E");
  return path;
}

}  // namespace sluice::job
