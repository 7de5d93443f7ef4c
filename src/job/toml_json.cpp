#include "job/toml_json.hpp"

#include "job/toml_value.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <sstream>

namespace sluice::job {
namespace {

using Json = nlohmann::json;

Json to_json(const toml::node& node, const std::string& path);

Json to_json(const toml::table& table, const std::string& path) {
  auto json = Json::object();
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    json[name] = to_json(node, path + "." + name);
  }
  return json;
}

Json to_json(const toml::array& array, const std::string& path) {
  auto json = Json::array();
  for (const auto& node : array) json.push_back(to_json(node, path));
  return json;
}

Json to_json(const toml::node& node, const std::string& path) {
  if (const auto* table = node.as_table()) return to_json(*table, path);
  if (const auto* array = node.as_array()) return to_json(*array, path);
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* integer = node.as_integer()) return integer->get();
  if (const auto* boolean = node.as_boolean()) return boolean->get();
  if (const auto* number = node.as_floating_point()) {
    if (!std::isfinite(number->get())) throw_wrong_value(raw_value(node), path, "a finite number");
    return number->get();
  }
  std::ostringstream date;
  node.visit([&date](const auto& typed) { date << typed; });
  return date.str();
}

}  // namespace

std::string json_of(const toml::table& table, const std::string& path) {
  return to_json(table, path).dump();
}

}  // namespace sluice::job
