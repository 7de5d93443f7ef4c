#pragma once

#include <string>
#include <string_view>

namespace sluice::store {

/// An object in a bucket.
struct ObjectName {
  std::string bucket;
  std::string key;

  bool operator==(const ObjectName&) const = default;
};

/// "s3://bucket/key", for messages as well.
std::string s3_uri(const ObjectName& name);

bool is_s3_uri(std::string_view text);

/// "s3://bucket/a/key" or "bucket/a/key", with nothing encoded: what follows the bucket is the key,
/// which may be empty, or a prefix of keys. Throws UsageError if there is no bucket.
ObjectName parse_s3_uri(std::string_view text);

/// Percent-encodes what is not a letter, a digit or one of -._~ (RFC 3986, as Signature Version 4
/// wants it), and not one of `kept` either.
std::string percent_encode(std::string_view text, std::string_view kept = "");
/// Undoes it, and makes a space of '+'. What is no encoding stays as it is.
std::string percent_decode(std::string_view text);

}  // namespace sluice::store
