#pragma once

#include "store/http_client.hpp"
#include "store/s3_config.hpp"
#include "store/s3_uri.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::store {

/// Requests to one S3 server, signed, and addressed by path (http://host/bucket/key), which every
/// server understands.
class S3Session {
 public:
  explicit S3Session(S3Config config);

  const S3Config& config() const noexcept { return config_; }

  /// `query` is sorted and encoded ("partNumber=1&uploadId=…"), as the signature wants it; the key
  /// may be empty, for a request about the bucket.
  HttpRequest request(HttpRequest::Method method, const ObjectName& name,
                      std::string_view query = "", std::string_view body = "") const;

  HttpResponse run(HttpRequest request);
  void run(std::size_t count, std::size_t most_in_flight, const HttpClient::Make& make,
           const HttpClient::Done& done) {
    http_.run(count, most_in_flight, make, done);
  }

  std::string explain(std::string_view doing, const ObjectName& name,
                      const HttpResponse& response) const;
  /// Throw InputError, or IoError, unless the response is a success.
  void require_read(std::string_view doing, const ObjectName& name,
                    const HttpResponse& response) const;
  void require_written(std::string_view doing, const ObjectName& name,
                       const HttpResponse& response) const;

 private:
  S3Config config_;
  HttpClient http_;
};

/// "Range: bytes=…", for `count` bytes, more than none, from `offset` on.
std::string range_header(std::uint64_t offset, std::uint64_t count);

}  // namespace sluice::store
