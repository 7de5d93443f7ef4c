#pragma once

#include "store/http_client.hpp"

#include <curl/curl.h>

#include <string>

namespace sluice::store {

/// One request on its way, on a curl handle that is used again for others.
class HttpTransfer {
 public:
  /// Throws IoError if curl cannot be set up.
  HttpTransfer();
  ~HttpTransfer();
  HttpTransfer(const HttpTransfer&) = delete;
  HttpTransfer& operator=(const HttpTransfer&) = delete;

  CURL* handle() const noexcept { return handle_; }

  /// Sets the handle up for the next attempt at the request.
  void prepare(const HttpRequest& request, const HttpSettings& settings);
  /// What came of the attempt.
  HttpResponse finish(CURLcode result);

 private:
  void set_method(const HttpRequest& request);
  void set_headers(const HttpRequest& request);
  std::size_t receive(const char* data, std::size_t size);

  static std::size_t on_header(char* line, std::size_t, std::size_t size, void* self);
  static std::size_t on_body(char* data, std::size_t, std::size_t size, void* self);
  static std::size_t on_read(char* out, std::size_t, std::size_t size, void* self);
  static int on_seek(void* self, curl_off_t offset, int origin);

  CURL* handle_;
  curl_slist* headers_ = nullptr;
  std::string_view body_;  ///< to send
  std::size_t sent_ = 0;
  Buffer sized_;         ///< received, if the server said how much it would be
  std::string unsized_;  ///< received, if it did not
  std::size_t received_ = 0;
  bool headers_complete_ = false;
  char error_[CURL_ERROR_SIZE] = {};
};

}  // namespace sluice::store
