#include "store/aws_profiles.hpp"

#include <algorithm>

namespace sluice::store {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t\r";
  const auto begin = std::min(text.find_first_not_of(blank), text.size());
  return text.substr(begin, text.find_last_not_of(blank) + 1 - begin);
}

std::string section_name(std::string_view line) {
  auto name = trimmed(line.substr(1, line.find(']') - 1));
  constexpr std::string_view profile = "profile ";
  if (name.starts_with(profile)) name.remove_prefix(profile.size());
  return std::string(trimmed(name));
}

}  // namespace

AwsProfiles parse_aws_profiles(std::string_view text) {
  AwsProfiles profiles;
  std::string section;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (trimmed(line).empty() ||
        std::string_view(" \t#;").find(line[0]) != std::string_view::npos) {
      continue;
    }
    const auto equals = line.find('=');
    if (line[0] == '[') {
      section = section_name(line);
    } else if (equals != std::string_view::npos) {
      profiles[section][std::string(trimmed(line.substr(0, equals)))] =
          trimmed(line.substr(equals + 1));
    }
  }
  return profiles;
}

}  // namespace sluice::store
