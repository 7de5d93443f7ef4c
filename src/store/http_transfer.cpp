#include "store/http_transfer.hpp"

#include <sluice/error.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <new>
#include <utility>

namespace sluice::store {
namespace {

// Everything passed to curl here is valid; what can fail is memory.
template <class Value>
void set(CURL* handle, CURLoption option, Value value) {
  if (curl_easy_setopt(handle, option, value) == CURLE_OK) return;
  throw IoError(
      "cannot set up a request to the object store: libcurl refuses an option; it needs "
      "libcurl 7.88 or later, with TLS");
}

CURL* new_handle() {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  CURL* handle = ready == CURLE_OK ? curl_easy_init() : nullptr;
  if (handle == nullptr) throw IoError("libcurl cannot be initialised; is there memory left?");
  return handle;
}

std::string header(CURL* handle, const char* name) {
  curl_header* found = nullptr;
  const auto result = curl_easy_header(handle, name, 0, CURLH_HEADER, -1, &found);
  return result == CURLHE_OK ? found->value : "";
}

std::uint64_t announced_length(CURL* handle) {
  curl_off_t length = -1;
  curl_easy_getinfo(handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  return length < 0 ? 0 : static_cast<std::uint64_t>(length);
}

// Other failures are the network's, or a server's that is not quite up.
bool may_pass(CURLcode result) {
  constexpr std::array<CURLcode, 6> lasting{
      CURLE_URL_MALFORMAT,      CURLE_UNSUPPORTED_PROTOCOL, CURLE_PEER_FAILED_VERIFICATION,
      CURLE_SSL_CACERT_BADFILE, CURLE_WRITE_ERROR,          CURLE_OUT_OF_MEMORY};
  return std::find(lasting.begin(), lasting.end(), result) == lasting.end();
}

}  // namespace

HttpTransfer::HttpTransfer() : handle_(new_handle()) {}

HttpTransfer::~HttpTransfer() {
  curl_easy_cleanup(handle_);
  curl_slist_free_all(headers_);
}

void HttpTransfer::prepare(const HttpRequest& request, const HttpSettings& settings) {
  curl_easy_reset(handle_);
  body_ = request.body;
  sent_ = received_ = 0;
  sized_ = Buffer();
  unsized_.clear();
  error_[0] = '\0';
  headers_complete_ = false;
  set(handle_, CURLOPT_PRIVATE, this);
  set(handle_, CURLOPT_ERRORBUFFER, &error_[0]);
  set(handle_, CURLOPT_URL, request.url.c_str());
  set(handle_, CURLOPT_PATH_AS_IS, 1L);  // a key may hold "/../"
  set(handle_, CURLOPT_NOSIGNAL, 1L);
  set(handle_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(handle_, CURLOPT_AWS_SIGV4, settings.signing.c_str());
  // Apart from each other: a secret may hold a colon.
  set(handle_, CURLOPT_USERNAME, settings.user.c_str());
  set(handle_, CURLOPT_PASSWORD, settings.password.c_str());
  if (!settings.ca_bundle.empty()) set(handle_, CURLOPT_CAINFO, settings.ca_bundle.c_str());
  set(handle_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings.connect_timeout.count()));
  set(handle_, CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(handle_, CURLOPT_LOW_SPEED_TIME,
      std::max(1L, static_cast<long>(settings.stall_timeout.count() / 1000)));
  set(handle_, CURLOPT_HEADERFUNCTION, &on_header);
  set(handle_, CURLOPT_HEADERDATA, this);
  set(handle_, CURLOPT_WRITEFUNCTION, &on_body);
  set(handle_, CURLOPT_WRITEDATA, this);
  set_method(request);
  set_headers(request);
}

void HttpTransfer::set_method(const HttpRequest& request) {
  switch (request.method) {
    case HttpRequest::Method::get:
      break;
    case HttpRequest::Method::head:
      set(handle_, CURLOPT_NOBODY, 1L);
      break;
    case HttpRequest::Method::put:
      set(handle_, CURLOPT_UPLOAD, 1L);
      set(handle_, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(body_.size()));
      set(handle_, CURLOPT_READFUNCTION, &on_read);
      set(handle_, CURLOPT_READDATA, this);
      set(handle_, CURLOPT_SEEKFUNCTION, &on_seek);
      set(handle_, CURLOPT_SEEKDATA, this);
      break;
    case HttpRequest::Method::post:
      set(handle_, CURLOPT_POST, 1L);
      set(handle_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body_.size()));
      set(handle_, CURLOPT_POSTFIELDS, body_.data() == nullptr ? "" : body_.data());
      break;
    case HttpRequest::Method::remove:
      set(handle_, CURLOPT_CUSTOMREQUEST, "DELETE");
      break;
  }
}

// curl signs these. It must not be given an empty "Expect:", which breaks the signature.
void HttpTransfer::set_headers(const HttpRequest& request) {
  curl_slist_free_all(std::exchange(headers_, nullptr));
  for (const auto& text : request.headers) {
    auto* longer = curl_slist_append(headers_, text.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    headers_ = longer;
  }
  set(handle_, CURLOPT_HTTPHEADER, headers_);
}

HttpResponse HttpTransfer::finish(CURLcode result) {
  HttpResponse response;
  if (result != CURLE_OK) {
    response.error = error_[0] != '\0' ? error_ : curl_easy_strerror(result);
    response.may_pass = may_pass(result);
    return response;
  }
  if (!headers_complete_) {
    response.error = "The connection was closed in the middle of the answer";
    return response;
  }
  long status = 0;
  curl_easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &status);
  response.status = static_cast<int>(status);
  response.content_length = announced_length(handle_);
  response.etag = header(handle_, "etag");
  response.body = sized_.empty() ? Buffer::adopt(std::move(unsized_)) : std::move(sized_);
  return response;
}

// No exception may pass through curl; what is not taken ends the transfer.
std::size_t HttpTransfer::receive(const char* data, std::size_t size) try {
  if (received_ == 0) sized_ = Buffer(announced_length(handle_));
  if (sized_.empty()) {
    unsized_.append(data, size);
  } else {
    if (size > sized_.size() - received_) return 0;
    std::memcpy(sized_.mutable_data() + received_, data, size);
  }
  received_ += size;
  return size;
} catch (const std::exception&) {
  return 0;
}

// An empty line ends the headers. If the connection ends before, curl calls that a success.
std::size_t HttpTransfer::on_header(char* line, std::size_t, std::size_t size, void* self) {
  static_cast<HttpTransfer*>(self)->headers_complete_ = std::string_view(line, size) == "\r\n";
  return size;
}

std::size_t HttpTransfer::on_body(char* data, std::size_t, std::size_t size, void* self) {
  return static_cast<HttpTransfer*>(self)->receive(data, size);
}

std::size_t HttpTransfer::on_read(char* out, std::size_t, std::size_t size, void* self) {
  auto& transfer = *static_cast<HttpTransfer*>(self);
  const auto part = transfer.body_.substr(transfer.sent_, size);
  std::memcpy(out, part.data(), part.size());
  transfer.sent_ += part.size();
  return part.size();
}

// When a kept connection turns out to be dead, curl sends the body once more on another.
int HttpTransfer::on_seek(void* self, curl_off_t offset, int origin) {
  auto& transfer = *static_cast<HttpTransfer*>(self);
  if (origin != SEEK_SET || offset < 0) return CURL_SEEKFUNC_CANTSEEK;
  transfer.sent_ = std::min(static_cast<std::size_t>(offset), transfer.body_.size());
  return CURL_SEEKFUNC_OK;
}

}  // namespace sluice::store
