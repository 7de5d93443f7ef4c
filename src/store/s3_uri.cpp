#include "store/s3_uri.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <charconv>

namespace sluice::store {
namespace {

constexpr std::string_view scheme = "s3://";
constexpr std::string_view unreserved =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

}  // namespace

std::string s3_uri(const ObjectName& name) {
  return fmt::format("{}{}/{}", scheme, name.bucket, name.key);
}

bool is_s3_uri(std::string_view text) { return text.starts_with(scheme); }

ObjectName parse_s3_uri(std::string_view text) {
  const auto rest = is_s3_uri(text) ? text.substr(scheme.size()) : text;
  const auto slash = std::min(rest.find('/'), rest.size());
  if (slash == 0) {
    throw UsageError(fmt::format(
        "'{}' names no bucket; an object is written s3://BUCKET/KEY, or BUCKET/KEY", text));
  }
  return {std::string(rest.substr(0, slash)),
          std::string(rest.substr(std::min(slash + 1, rest.size())))};
}

std::string percent_encode(std::string_view text, std::string_view kept) {
  std::string encoded;
  for (const char letter : text) {
    const bool plain = unreserved.find(letter) != std::string_view::npos ||
                       kept.find(letter) != std::string_view::npos;
    encoded +=
        plain ? std::string(1, letter) : fmt::format("%{:02X}", static_cast<unsigned char>(letter));
  }
  return encoded;
}

std::string percent_decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char value = 0;
    const auto* digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(digits, digits + 2, value, 16).ptr == digits + 2) {
      decoded += static_cast<char>(value);
      i += 2;
    } else {
      decoded += text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

}  // namespace sluice::store
