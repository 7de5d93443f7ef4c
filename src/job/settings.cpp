#include <sluice/error.hpp>
#include <sluice/registry.hpp>

#include <fmt/format.h>

#include <utility>

namespace sluice {

void Settings::set(std::string name, SettingValue value) {
  values_.insert_or_assign(std::move(name), std::move(value));
}

template <class T>
const T& Settings::get(std::string_view name) const {
  const auto it = values_.find(name);
  const T* value = it == values_.end() ? nullptr : std::get_if<T>(&it->second);
  if (value != nullptr) return *value;
  throw PluginError(fmt::format(
      "a stage kind asks for its setting '{}', which it {}: its list of settings and its code "
      "disagree",
      name, it == values_.end() ? "does not declare" : "declares with another type"));
}

const std::string& Settings::string(std::string_view name) const { return get<std::string>(name); }
std::int64_t Settings::integer(std::string_view name) const { return get<std::int64_t>(name); }
double Settings::number(std::string_view name) const { return get<double>(name); }
bool Settings::boolean(std::string_view name) const { return get<bool>(name); }

std::chrono::nanoseconds Settings::duration(std::string_view name) const {
  return std::chrono::nanoseconds(get<std::int64_t>(name));
}

std::uint64_t Settings::size(std::string_view name) const {
  return static_cast<std::uint64_t>(get<std::int64_t>(name));
}

const std::vector<std::string>& Settings::string_list(std::string_view name) const {
  return get<std::vector<std::string>>(name);
}

}  // namespace sluice
