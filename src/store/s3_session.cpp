#include "store/s3_session.hpp"

#include "store/s3_response.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <limits>
#include <utility>

namespace sluice::store {
namespace {

HttpSettings settings_of(const S3Config& config) {
  return {config.credentials.access_key,
          config.credentials.secret_key,
          fmt::format("aws:amz:{}:s3", config.region),
          config.ca_bundle,
          config.connect_timeout,
          config.stall_timeout,
          config.retry_for,
          config.most_attempts};
}

}  // namespace

S3Session::S3Session(S3Config config) : config_(std::move(config)), http_(settings_of(config_)) {}

HttpRequest S3Session::request(HttpRequest::Method method, const ObjectName& name,
                               std::string_view query, std::string_view body) const {
  HttpRequest request;
  request.method = method;
  request.url = fmt::format("{}/{}", config_.endpoint, percent_encode(name.bucket));
  if (!name.key.empty()) request.url += "/" + percent_encode(name.key, "/");
  if (!query.empty()) request.url.append("?").append(query);
  request.body = body;
  // The payload itself is left to TLS: hashing it would cost more than sending it.
  request.headers.emplace_back("x-amz-content-sha256: UNSIGNED-PAYLOAD");
  if (!config_.credentials.session_token.empty()) {
    request.headers.push_back("x-amz-security-token: " + config_.credentials.session_token);
  }
  if (method == HttpRequest::Method::put) {
    request.headers.emplace_back("Content-Type: application/octet-stream");
  }
  return request;
}

HttpResponse S3Session::run(HttpRequest request) {
  HttpResponse result;
  http_.run(
      1, 1, [&](std::size_t) { return std::move(request); },
      [&](std::size_t, HttpResponse response) { result = std::move(response); });
  return result;
}

std::string S3Session::explain(std::string_view doing, const ObjectName& name,
                               const HttpResponse& response) const {
  return explain_failure(doing, name, config_, response);
}

void S3Session::require_read(std::string_view doing, const ObjectName& name,
                             const HttpResponse& response) const {
  if (!response.ok()) throw InputError(explain(doing, name, response));
}

void S3Session::require_written(std::string_view doing, const ObjectName& name,
                                const HttpResponse& response) const {
  if (!response.ok()) throw IoError(explain(doing, name, response));
}

std::string range_header(std::uint64_t offset, std::uint64_t count) {
  const bool to_the_end = count - 1 > std::numeric_limits<std::int64_t>::max() - offset;
  if (to_the_end) return fmt::format("Range: bytes={}-", offset);
  return fmt::format("Range: bytes={}-{}", offset, offset + count - 1);
}

}  // namespace sluice::store
