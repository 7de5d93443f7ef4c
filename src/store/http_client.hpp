#pragma once

#include <sluice/buffer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::store {

struct HttpRequest {
  enum class Method { get, head, put, post, remove };
  Method method = Method::get;
  std::string url;
  std::vector<std::string> headers;  ///< "name: value"
  std::string_view body;             ///< must outlive the request
};

struct HttpResponse {
  int status = 0;        ///< 0 if none came
  std::string error;     ///< why none came
  bool may_pass = true;  ///< if none came: whether one may come another time
  std::uint64_t content_length = 0;
  std::string etag;
  Buffer body;
  unsigned attempts = 0;

  bool ok() const noexcept { return status >= 200 && status < 300; }
};

/// How requests are signed (AWS Signature Version 4) and how long they may take.
struct HttpSettings {
  std::string user;
  std::string password;
  std::string signing;    ///< "aws:amz:REGION:s3"
  std::string ca_bundle;  ///< file of the authorities to trust; empty for the system's
  std::chrono::milliseconds connect_timeout{};
  std::chrono::milliseconds stall_timeout{};
  std::chrono::milliseconds retry_for{};
  std::size_t most_attempts = 0;  ///< of a request; 0 for any number
};

/// Runs many requests at a time in the calling thread, over connections that it keeps. A request
/// that fails in a way that may pass (no connection, a server too busy or in trouble) is sent again
/// after a pause that doubles on average, until `retry_for` is over. For one thread.
class HttpClient {
 public:
  explicit HttpClient(HttpSettings settings);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// `make(i)` is called when request `i` of `count` is about to start, and `done(i, response)`
  /// when it has ended, in the order in which they end; what `done` throws ends all. No more than
  /// `most_in_flight` are under way.
  using Make = std::function<HttpRequest(std::size_t)>;
  using Done = std::function<void(std::size_t, HttpResponse)>;
  void run(std::size_t count, std::size_t most_in_flight, const Make& make, const Done& done);

 private:
  class Connections;
  std::unique_ptr<Connections> connections_;
};

}  // namespace sluice::store
