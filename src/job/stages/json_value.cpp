#include "job/stages/json_value.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace sluice::job {
namespace {

using Json = nlohmann::ordered_json;

Json digest(const Buffer& bytes) {
  return {{"bytes", bytes.size()},
          {"xxh64", fmt::format("{:016x}", XXH64(bytes.data(), bytes.size(), 0))}};
}

Json json_of(const Tensor& tensor, Payload payload) {
  Json json{{"dtype", name_of(tensor.dtype)}, {"shape", tensor.shape}};
  if (payload == Payload::digest) {
    json.update(digest(tensor.data));
  } else {
    json["data"] = base64(tensor.data.view());
  }
  return json;
}

Json json_of(const Value& value, Payload payload) {
  if (const auto* tensor = std::get_if<Tensor>(&value)) return json_of(*tensor, payload);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
  if (const auto* number = std::get_if<double>(&value)) return *number;
  const auto& bytes = std::get<Buffer>(value);
  return payload == Payload::digest ? digest(bytes) : Json(base64(bytes.view()));
}

}  // namespace

std::string base64(std::string_view bytes) {
  constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t word = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      word = word << 8 | (k < left ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text += k <= left ? letters[word >> (18 - 6 * k) & 63U] : '=';
    }
  }
  return text;
}

std::string to_json(const Record& record, Payload payload) {
  Json json{{"key", record.key}};
  for (const auto& [name, value] : record.fields()) {
    if (name == "key") {
      throw StageError(
          fmt::format("record '{}' has a field named 'key', and JSON Lines needs that name for the "
                      "record's key",
                      record.key));
    }
    json[name] = json_of(value, payload);
  }
  try {
    return json.dump();
  } catch (const Json::type_error& error) {
    throw StageError(fmt::format(
        "the key or a string field of record '{}' is not UTF-8, which JSON needs: {}; keep other "
        "text in a bytes field",
        record.key, error.what()));
  }
}

}  // namespace sluice::job
