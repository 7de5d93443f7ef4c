#include "job/toml_value.hpp"

#include <sstream>

namespace sluice::job {
namespace {

std::string type_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "the list";
    case toml::node_type::string:
      return "the string";
    case toml::node_type::integer:
      return "the integer";
    case toml::node_type::floating_point:
      return "the number";
    case toml::node_type::boolean:
      return "the boolean";
    default:
      return "the date or time";
  }
}

std::string show(const toml::node& node) {
  if (node.is_table()) return type_of(node);
  std::ostringstream text;
  node.visit([&text](const auto& typed) { text << typed; });
  if (node.is_string()) return fmt::format("{} \"{}\"", type_of(node), node.ref<std::string>());
  return fmt::format("{} {}", type_of(node), text.str());
}

std::optional<std::vector<std::string>> texts_of(const toml::array& array) {
  std::vector<std::string> texts;
  for (const auto& node : array) {
    if (!node.is_string()) return std::nullopt;
    texts.push_back(node.ref<std::string>());
  }
  return texts;
}

void fill(RawValue& raw, const toml::node& node) {
  if (const auto* text = node.as_string()) raw.value = text->get();
  if (const auto* integer = node.as_integer()) raw.value = integer->get();
  if (const auto* number = node.as_floating_point()) raw.value = number->get();
  if (const auto* boolean = node.as_boolean()) raw.value = boolean->get();
  if (const auto* array = node.as_array()) {
    if (auto texts = texts_of(*array)) raw.value = *std::move(texts);
  }
}

}  // namespace

Place place_of(const toml::node& node) {
  const auto& source = node.source();
  if (!source.path) return {"job file", static_cast<std::uint32_t>(source.begin.line)};
  if (source.path->starts_with(set_prefix)) return {*source.path, 0};
  return {*source.path, static_cast<std::uint32_t>(source.begin.line)};
}

RawValue raw_value(const toml::node& node) {
  RawValue raw;
  fill(raw, node);
  raw.shown = show(node);
  raw.place = place_of(node);
  const bool from_set = raw.place.file.starts_with(set_prefix);
  if (from_set) raw.typed = raw.place.file.substr(raw.place.file.find('=') + 1);
  return raw;
}

RawTable raw_table(const toml::table& table) {
  RawTable raw;
  for (const auto& [key, node] : table) raw.emplace(std::string(key.str()), raw_value(node));
  return raw;
}

toml::table parse_toml(std::string_view text, const std::string& file) {
  try {
    return toml::parse(text, file);
  } catch (const toml::parse_error& error) {
    throw UsageError(fmt::format("{}:{}:{}: this is not TOML: {}", file, error.source().begin.line,
                                 error.source().begin.column, error.description()));
  }
}

}  // namespace sluice::job
