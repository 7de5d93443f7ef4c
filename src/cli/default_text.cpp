#include "cli/default_text.hpp"

#include "job/check_settings.hpp"

#include <fmt/format.h>

namespace sluice::cli {

std::string default_text(const SettingSpec& setting) {
  if (setting.required) return "required";
  const bool units = (setting.type == SettingType::duration || setting.type == SettingType::size) &&
                     !job::to_number(job::parse_value(setting.fallback));
  const bool quoted =
      units || (setting.type == SettingType::string && !setting.fallback.starts_with('"'));
  return quoted ? fmt::format("\"{}\"", setting.fallback) : setting.fallback;
}

}  // namespace sluice::cli
