#include "store/s3_files.hpp"

#include "store/mapped_file.hpp"
#include "store/s3_response.hpp"

#include <sluice/error.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace sluice::store {
namespace {

using Method = HttpRequest::Method;
constexpr std::size_t most_parts = 10'000;  // of S3

/// An upload in parts, which is nothing until it is completed.
class MultipartUpload {
 public:
  MultipartUpload(S3Session& session, const ObjectName& name, std::string_view bytes)
      : session_(session),
        name_(name),
        bytes_(bytes),
        part_bytes_(std::max(session.config().part_bytes, (bytes.size() - 1) / most_parts + 1)) {}

  void run() {
    begin();
    try {
      send_parts();
      complete();
    } catch (...) {
      session_.run(session_.request(Method::remove, name_, upload_query()));
      throw;
    }
  }

 private:
  std::string upload_query() const { return "uploadId=" + percent_encode(id_); }
  std::string_view part(std::size_t i) const { return bytes_.substr(i * part_bytes_, part_bytes_); }

  void begin() {
    const auto response = session_.run(session_.request(Method::post, name_, "uploads="));
    session_.require_written("begin the upload of", name_, response);
    id_ = parse_upload_id(response.body.view());
    if (!id_.empty()) return;
    throw IoError(session_.explain("begin the upload of", name_, response));
  }

  void send_parts() {
    etags_.resize((bytes_.size() - 1) / part_bytes_ + 1);
    const auto make = [&](std::size_t i) {
      return session_.request(Method::put, name_,
                              fmt::format("partNumber={}&{}", i + 1, upload_query()), part(i));
    };
    session_.run(etags_.size(), session_.config().parts_in_flight, make,
                 [&](std::size_t i, HttpResponse response) {
                   session_.require_written("put", name_, response);
                   etags_[i] = std::move(response.etag);
                 });
  }

  void complete() {
    const auto parts = completion_xml(etags_);
    auto response = session_.run(session_.request(Method::post, name_, upload_query(), parts));
    // The answer to an earlier attempt may have been lost.
    if (response.status == 404 && response.attempts > 1 && is_there()) return;
    // This request may fail after it has said 200.
    if (response.ok() && !parse_s3_error(response.body.view()).code.empty()) response.status = 500;
    session_.require_written("complete the upload of", name_, response);
  }

  bool is_there() {
    const auto response = session_.run(session_.request(Method::head, name_));
    return response.ok() && response.content_length == bytes_.size();
  }

  S3Session& session_;
  const ObjectName& name_;
  std::string_view bytes_;
  std::size_t part_bytes_;
  std::string id_;
  std::vector<std::string> etags_;
};

/// A file being written, in any order.
class OutputDescriptor {
 public:
  explicit OutputDescriptor(const std::filesystem::path& path)
      : path_(path), number_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) {
    if (number_ < 0) fail(errno);
  }
  ~OutputDescriptor() { ::close(number_); }
  OutputDescriptor(const OutputDescriptor&) = delete;
  OutputDescriptor& operator=(const OutputDescriptor&) = delete;

  void write(std::string_view bytes, std::uint64_t offset) {
    while (!bytes.empty()) {
      const auto written =
          ::pwrite(number_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (written < 0 && errno != EINTR) fail(errno);
      if (written <= 0) continue;
      bytes.remove_prefix(static_cast<std::size_t>(written));
      offset += static_cast<std::uint64_t>(written);
    }
  }

 private:
  [[noreturn]] void fail(int error) const {
    throw IoError(
        fmt::format("cannot write '{}': {}; check the folder's permissions and free space",
                    path_.string(), std::generic_category().message(error)));
  }

  const std::filesystem::path& path_;
  int number_;
};

}  // namespace

void upload_file(S3Session& session, const ObjectName& name, const std::filesystem::path& path) {
  const MappedFile file(path);
  if (file.bytes().size() > 2 * session.config().part_bytes) {
    return MultipartUpload(session, name, file.bytes()).run();
  }
  const auto response = session.run(session.request(Method::put, name, "", file.bytes()));
  session.require_written("put", name, response);
}

void download_file(S3Session& session, const ObjectName& name, const std::filesystem::path& path) {
  auto head = session.run(session.request(Method::head, name));
  session.require_read("get", name, head);
  const auto size = head.content_length;
  const std::uint64_t part = session.config().part_bytes;
  OutputDescriptor file(path);
  const auto make = [&](std::size_t i) {
    auto request = session.request(Method::get, name);
    request.headers.push_back(range_header(i * part, std::min(part, size - i * part)));
    // The parts must be of one object.
    if (!head.etag.empty()) request.headers.push_back("If-Match: " + head.etag);
    return request;
  };
  session.run((size + part - 1) / part, session.config().parts_in_flight, make,
              [&](std::size_t i, HttpResponse response) {
                session.require_read("get", name, response);
                file.write(response.body.view(), i * part);
              });
}

}  // namespace sluice::store
