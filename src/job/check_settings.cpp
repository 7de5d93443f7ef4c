#include "job/check_settings.hpp"

#include "job/suggest.hpp"
#include "job/units.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

namespace sluice::job {
namespace {

struct TypeInfo {
  std::string_view name;
  std::string_view wanted;
};
constexpr std::array<TypeInfo, 7> types{{
    {"string", "a string, such as \"text\""},
    {"integer", "a whole number, such as 7"},
    {"number", "a number, such as 0.5"},
    {"boolean", "true or false"},
    {"duration", R"(a duration: "10ms", "1.5s", "2min" or plain seconds)"},
    {"size", R"(a size: "64KiB", "1MB" or plain bytes)"},
    {"string list", R"(a list of strings, such as ["a", "b"])"},
}};

const TypeInfo& info(SettingType type) { return types.at(static_cast<std::size_t>(type)); }

template <class T, class Convert>
std::optional<SettingValue> as_setting(const std::optional<T>& value, Convert convert) {
  return value ? std::optional<SettingValue>(convert(*value)) : std::nullopt;
}

std::optional<SettingValue> convert(const RawValue& value, SettingType type) {
  const auto same = [](auto held) { return held; };
  switch (type) {
    case SettingType::string:
      return as_setting(to_text(value), same);
    case SettingType::integer:
      return as_setting(to_integer(value), same);
    case SettingType::number:
      return as_setting(to_number(value), same);
    case SettingType::boolean:
      return as_setting(to_boolean(value), same);
    case SettingType::duration:
      return as_setting(to_duration(value), [](auto held) { return std::int64_t{held.count()}; });
    case SettingType::size:
      return as_setting(to_size(value), [](auto held) { return static_cast<std::int64_t>(held); });
    case SettingType::string_list:
      return as_setting(to_text_list(value), same);
  }
  return std::nullopt;
}

SettingValue fallback_of(const StageKind& kind, const SettingSpec& spec) {
  const bool verbatim = spec.type == SettingType::string && !spec.fallback.starts_with('"');
  RawValue raw = parse_value(spec.fallback);
  if (verbatim) raw.value = spec.fallback;
  raw.place = {fmt::format("stage kind '{}'", kind.name)};
  return require(convert(raw, spec.type), raw, "the fallback of " + spec.name,
                 info(spec.type).wanted);
}

void refuse_unknown(const StageKind& kind, const RawTable& given, const std::string& stage) {
  std::vector<std::string> names;
  for (const auto& spec : kind.settings) names.push_back(spec.name);
  for (const auto& [name, value] : given) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    throw UsageError(fmt::format(
        "{}: unknown setting 'stage.{}.settings.{}'{}'sluice stages {}' describes what it takes",
        value.place.text(), stage, name, did_you_mean(name, names), kind.name));
  }
}

SettingValue setting(const StageKind& kind, const SettingSpec& spec, const RawTable& given,
                     const std::string& stage, const Place& place) {
  const auto it = given.find(spec.name);
  if (it != given.end()) {
    return require(convert(it->second, spec.type), it->second,
                   fmt::format("stage.{}.settings.{}", stage, spec.name), info(spec.type).wanted);
  }
  if (!spec.required) return fallback_of(kind, spec);
  throw UsageError(
      fmt::format("{}: stage '{}' needs the setting '{}' of {}: {}; write settings = {{ {} = … }}",
                  place.text(), stage, spec.name, kind.name, spec.help, spec.name));
}

std::string show_setting(const SettingSpec& spec, const Settings& settings) {
  switch (spec.type) {
    case SettingType::string:
      return fmt::format("{:?}", settings.string(spec.name));
    case SettingType::integer:
      return fmt::format("{}", settings.integer(spec.name));
    case SettingType::number:
      return fmt::format("{}", settings.number(spec.name));
    case SettingType::boolean:
      return fmt::format("{}", settings.boolean(spec.name));
    case SettingType::duration:
      return fmt::format("{}", settings.duration(spec.name).count());
    case SettingType::size:
      return fmt::format("{}", settings.size(spec.name));
    case SettingType::string_list:
      return fmt::format("{}", settings.string_list(spec.name));
  }
  return {};
}

}  // namespace

std::string_view name_of(SettingType type) { return info(type).name; }
std::string_view wanted_of(SettingType type) { return info(type).wanted; }

Settings check_settings(const StageKind& kind, const RawTable& given, const std::string& stage,
                        const Place& place) {
  refuse_unknown(kind, given, stage);
  Settings settings;
  for (const auto& spec : kind.settings) {
    settings.set(spec.name, setting(kind, spec, given, stage, place));
  }
  return settings;
}

std::string canonical_settings(const StageKind& kind, const Settings& settings) {
  std::string text;
  for (const auto& spec : kind.settings) {
    text +=
        fmt::format("{}{}={}", text.empty() ? "" : " ", spec.name, show_setting(spec, settings));
  }
  return text;
}

void check_fallbacks(const StageKind& kind) {
  for (const auto& spec : kind.settings) {
    if (!spec.required) fallback_of(kind, spec);
  }
}

}  // namespace sluice::job
