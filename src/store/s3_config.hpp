#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

namespace sluice::store {

/// Who asks. Never goes into a message: `origin` does, which says where they were found.
struct S3Credentials {
  std::string access_key;
  std::string secret_key;
  std::string session_token;  ///< empty if they are permanent
  std::string origin;
};

/// Where an object store is, and how to talk to it.
struct S3Config {
  std::string endpoint;  ///< "http://host:port", without a slash at the end
  std::string region;
  std::string ca_bundle;  ///< file of the authorities to trust; empty for the system's
  S3Credentials credentials;

  std::chrono::milliseconds connect_timeout{5'000};
  /// A request that moves nothing for that long is given up, and tried again.
  std::chrono::milliseconds stall_timeout{30'000};
  /// How long a request is tried again after failures that may pass.
  std::chrono::milliseconds retry_for{60'000};
  std::size_t most_attempts = 0;  ///< of a request within that time; 0 for any number
  std::size_t most_in_flight = 32;
  /// Larger files are uploaded and downloaded in parts of this many bytes, `parts_in_flight` at a
  /// time.
  std::size_t part_bytes = 8 << 20;
  std::size_t parts_in_flight = 4;
  std::size_t list_page = 1000;  ///< keys asked for at a time
};

/// The value of a variable, or an empty string.
using Environment = std::function<std::string(const std::string& variable)>;

/// The usual places, in the usual order. Credentials: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
/// AWS_SESSION_TOKEN; the profile AWS_PROFILE ("default") of AWS_SHARED_CREDENTIALS_FILE
/// (~/.aws/credentials), then of AWS_CONFIG_FILE (~/.aws/config). Region: AWS_REGION,
/// AWS_DEFAULT_REGION, the profile's, us-east-1. Endpoint: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL,
/// the profile's, Amazon's of the region. Authorities to trust: AWS_CA_BUNDLE, the profile's.
/// Attempts: AWS_MAX_ATTEMPTS, the profile's. Throws UsageError if there are no credentials, or
/// something makes no sense.
S3Config find_s3_config(const Environment& environment);
/// In this process's environment.
S3Config find_s3_config();

}  // namespace sluice::store
