#include "job/input.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <limits>

namespace sluice::job {
namespace {

using Json = nlohmann::ordered_json;  // keeps the order of the members

[[noreturn]] void fail(const std::string& where, const std::string& reason) {
  throw InputError(fmt::format("{}: {}", where, reason));
}

std::string show(const Json& value) {
  const std::string text = value.dump();
  return text.size() <= 60 ? text : text.substr(0, 60) + "…";
}

Json parse_row(std::string_view line, const std::string& where) {
  try {
    auto row = Json::parse(line);
    if (!row.is_object()) fail(where, fmt::format("a row must be an object, not {}", show(row)));
    return row;
  } catch (const Json::exception& error) {
    fail(where, fmt::format("this is not JSON: {}", error.what()));
  }
}

Value value_of(const Json& member, const std::string& name, const std::string& where) {
  if (member.is_string()) return member.get<std::string>();
  if (member.is_number_float()) return member.get<double>();
  const bool fits = !member.is_number_unsigned() ||
                    member.get<std::uint64_t>() <= std::numeric_limits<std::int64_t>::max();
  if (member.is_number_integer() && fits) return member.get<std::int64_t>();
  fail(where, fmt::format("member '{}' must be a string or a number (of at most 64 bits), not {}",
                          name, show(member)));
}

std::string key_of(const Json& member, const std::string& where) {
  if (member.is_string()) return member.get<std::string>();
  if (member.is_number_integer()) return member.dump();
  fail(where, fmt::format("member 'key' must be a string or a whole number, not {}", show(member)));
}

Record record_of(std::string_view line, std::size_t number, const std::string& where) {
  const Json row = parse_row(line, where);
  Record record(std::to_string(number));
  for (const auto& [name, member] : row.items()) {
    if (name == "key") {
      record.key = key_of(member, where);
    } else {
      record.set(name, value_of(member, name, where));
    }
  }
  return record;
}

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

}  // namespace

std::vector<Record> read_jsonl(std::string_view text, const std::string& file, std::size_t limit) {
  std::vector<Record> records;
  for (std::size_t number = 1; !text.empty() && records.size() < limit; ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    if (!is_blank(line)) {
      records.push_back(record_of(line, number, fmt::format("{}:{}", file, number)));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return records;
}

}  // namespace sluice::job
