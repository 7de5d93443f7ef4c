#include "store/s3_config.hpp"

#include "store/aws_profiles.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>

namespace sluice::store {
namespace {

/// One profile as a file has it.
struct Profile {
  std::string file;
  std::map<std::string, std::string> values;

  std::string value(const std::string& key) const {
    const auto it = values.find(key);
    return it == values.end() ? "" : it->second;
  }
};

std::string first_of(std::initializer_list<std::string> values) {
  for (const auto& value : values) {
    if (!value.empty()) return value;
  }
  return {};
}

Profile read_profile(const std::string& file, const std::string& name) {
  std::ifstream stream(file);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  return {file, parse_aws_profiles(text)[name]};
}

class Places {
 public:
  explicit Places(const Environment& environment)
      : environment_(environment),
        profile_(first_of({environment("AWS_PROFILE"), "default"})),
        credentials_(read_profile(file("AWS_SHARED_CREDENTIALS_FILE", "credentials"), profile_)),
        config_(read_profile(file("AWS_CONFIG_FILE", "config"), profile_)) {}

  S3Credentials credentials() const {
    const auto key = environment_("AWS_ACCESS_KEY_ID");
    const auto secret = environment_("AWS_SECRET_ACCESS_KEY");
    if (!key.empty() && !secret.empty()) {
      return {key, secret, environment_("AWS_SESSION_TOKEN"),
              "the environment (AWS_ACCESS_KEY_ID)"};
    }
    for (const auto* profile : {&credentials_, &config_}) {
      if (const auto found = credentials_in(*profile)) return *found;
    }
    throw UsageError(fmt::format(
        "no credentials for object storage: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
        "write aws_access_key_id and aws_secret_access_key into the section [{}] of '{}' "
        "(AWS_PROFILE names another section, AWS_SHARED_CREDENTIALS_FILE another file)",
        profile_, credentials_.file));
  }

  std::string region() const {
    return first_of({environment_("AWS_REGION"), environment_("AWS_DEFAULT_REGION"),
                     config_.value("region"), credentials_.value("region"), "us-east-1"});
  }

  std::string ca_bundle() const {
    return first_of({environment_("AWS_CA_BUNDLE"), config_.value("ca_bundle")});
  }

  std::string max_attempts() const {
    return first_of({environment_("AWS_MAX_ATTEMPTS"), config_.value("max_attempts")});
  }

  std::string endpoint() const {
    return first_of({environment_("AWS_ENDPOINT_URL_S3"), environment_("AWS_ENDPOINT_URL"),
                     config_.value("endpoint_url"), credentials_.value("endpoint_url"),
                     fmt::format("https://s3.{}.amazonaws.com", region())});
  }

 private:
  std::string file(const std::string& variable, const std::string& name) const {
    return first_of({environment_(variable), environment_("HOME") + "/.aws/" + name});
  }

  std::optional<S3Credentials> credentials_in(const Profile& profile) const {
    const auto key = profile.value("aws_access_key_id");
    const auto secret = profile.value("aws_secret_access_key");
    if (key.empty() || secret.empty()) return std::nullopt;
    return S3Credentials{key, secret, profile.value("aws_session_token"),
                         fmt::format("profile '{}' in '{}'", profile_, profile.file)};
  }

  const Environment& environment_;
  std::string profile_;
  Profile credentials_;
  Profile config_;
};

std::string checked_endpoint(std::string endpoint) {
  while (endpoint.ends_with('/')) endpoint.pop_back();
  if (endpoint.find('@') != std::string::npos) {
    throw UsageError(
        "the endpoint of the object store (AWS_ENDPOINT_URL) holds an '@'; credentials don't "
        "belong "
        "into it, but into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
  }
  if (endpoint.starts_with("http://") || endpoint.starts_with("https://")) return endpoint;
  throw UsageError(
      fmt::format("the endpoint of the object store (AWS_ENDPOINT_URL) is '{}'; it must begin with "
                  "http:// or https://",
                  endpoint));
}

std::size_t checked_attempts(const std::string& text) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || (error == std::errc() && end == text.data() + text.size() && number > 0)) {
    return number;
  }
  throw UsageError(
      fmt::format("AWS_MAX_ATTEMPTS is '{}'; it must be a number of attempts, 1 or more", text));
}

}  // namespace

S3Config find_s3_config(const Environment& environment) {
  const Places places(environment);
  S3Config config;
  config.endpoint = checked_endpoint(places.endpoint());
  config.region = places.region();
  config.ca_bundle = places.ca_bundle();
  config.most_attempts = checked_attempts(places.max_attempts());
  config.credentials = places.credentials();
  return config;
}

S3Config find_s3_config() {
  return find_s3_config([](const std::string& variable) {
    const char* value = std::getenv(variable.c_str());
    return std::string(value == nullptr ? "" : value);
  });
}

}  // namespace sluice::store
