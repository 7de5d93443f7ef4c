#include "job/input.hpp"
#include "job/known_keys.hpp"
#include "store/s3_uri.hpp"

#include <fmt/ranges.h>

#include <charconv>

namespace sluice::job {
namespace {

// The one source that the table names.
std::size_t source_of(const RawTable& input, const std::string& file) {
  std::vector<std::size_t> present;
  for (std::size_t i = 0; i < input_sources().size(); ++i) {
    if (input.contains(input_sources()[i])) present.push_back(i);
  }
  if (present.size() == 1) return present[0];
  const auto place = present.empty() ? file : input.at(input_sources()[present[1]]).place.text();
  throw UsageError(fmt::format(
      "{}: the job names {}; [input] takes exactly one of files = [\"pages/*.png\"], list = "
      "\"keys.txt\", jsonl = \"rows.jsonl\", keys = [\"a\", \"b\"] and s3 = "
      "\"s3://bucket/prefix/\"",
      place, present.empty() ? "no input" : "more than one input"));
}

std::vector<std::string> values_of(const RawTable& input, InputEntry::Source source) {
  const auto& name = input_sources()[static_cast<std::size_t>(source)];
  const auto& value = input.at(name);
  if (source == InputEntry::Source::files || source == InputEntry::Source::keys) {
    return require(to_text_list(value), value, "input." + name,
                   R"(a list of strings, such as ["a", "b"])");
  }
  if (source == InputEntry::Source::s3) {
    auto uri = to_text(value);
    if (uri && !store::is_s3_uri(*uri)) uri.reset();
    return {require(uri, value, "input.s3", "a URI, such as \"s3://bucket/prefix/\"")};
  }
  return {require(to_text(value), value, "input." + name, "a path, such as \"keys.txt\"")};
}

std::optional<std::uint64_t> limit_of(const RawTable& input) {
  const auto it = input.find("limit");
  if (it == input.end()) return std::nullopt;
  auto limit = to_integer(it->second);
  if (limit && *limit < 1) limit.reset();
  return static_cast<std::uint64_t>(
      require(limit, it->second, "input.limit", "a whole number of at least 1, such as 100"));
}

std::optional<Shard> shard_of(const RawTable& input) {
  const auto it = input.find("shard");
  if (it == input.end()) return std::nullopt;
  const auto text = to_text(it->second);
  const auto shard = text ? parse_shard(*text) : std::nullopt;
  return require(shard, it->second, "input.shard",
                 "a part of so many, such as \"3/8\" for the third of eight");
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), number);
  return error == std::errc() && end == text.end() ? std::optional(number) : std::nullopt;
}

}  // namespace

std::optional<Shard> parse_shard(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto index = whole_number(text.substr(0, slash));
  const auto count = whole_number(text.substr(slash + 1));
  if (!index || !count || *index < 1 || *index > *count) return std::nullopt;
  return Shard{*index, *count};
}

InputEntry read_input_entry(const RawTable& input, const std::string& file) {
  InputEntry entry;
  entry.source = static_cast<InputEntry::Source>(source_of(input, file));
  entry.values = values_of(input, entry.source);
  entry.limit = limit_of(input);
  entry.shard = shard_of(input);
  return entry;
}

}  // namespace sluice::job
