#include "store/object_store.hpp"
#include "store/s3_files.hpp"
#include "store/s3_response.hpp"
#include "store/s3_session.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sluice::store {
namespace {

using Method = HttpRequest::Method;
constexpr int precondition_failed = 412;
constexpr int not_satisfiable = 416;  // a range of an object that is shorter

bool is_folder(const ObjectStore::Listed& object) {
  return object.size == 0 && object.key.ends_with('/');
}

class S3Client final : public ObjectStore {
 public:
  explicit S3Client(S3Config config) : session_(std::move(config)) {}

  std::vector<Fetched> fetch(std::span<const ObjectName> names, std::uint64_t most_bytes) override {
    std::vector<Fetched> results(names.size());
    const auto make = [&](std::size_t i) { return get_request(names[i], 0, most_bytes); };
    run(names.size(), make, [&](std::size_t i, HttpResponse response) {
      auto& result = results[i];
      if (response.status == not_satisfiable) return;
      if (response.ok()) {
        result.bytes = std::move(response.body);
      } else {
        result.fault = session_.explain("get", names[i], response);
        result.missing = parse_s3_error(response.body.view()).code == "NoSuchKey";
      }
    });
    return results;
  }

  std::vector<std::string> store(std::span<const Upload> uploads) override {
    std::vector<std::string> faults(uploads.size());
    const auto make = [&](std::size_t i) {
      return session_.request(Method::put, uploads[i].name, "", uploads[i].bytes);
    };
    run(uploads.size(), make, [&](std::size_t i, const HttpResponse& response) {
      if (!response.ok()) faults[i] = session_.explain("put", uploads[i].name, response);
    });
    return faults;
  }

  Buffer get(const ObjectName& name) override { return get_range(name, 0, everything); }

  Buffer get_range(const ObjectName& name, std::uint64_t offset, std::uint64_t count) override {
    if (count == 0) return {};
    auto response = session_.run(get_request(name, offset, count));
    if (response.status == not_satisfiable) return {};
    session_.require_read("get", name, response);
    return std::move(response.body);
  }

  std::vector<Buffer> get_pieces(const ObjectName& name, const std::string& etag,
                                 std::uint64_t offset, std::uint64_t count,
                                 std::uint64_t piece) override {
    std::vector<Buffer> pieces((count + piece - 1) / piece);
    const auto make = [&](std::size_t i) {
      auto request = session_.request(Method::get, name);
      request.headers.push_back(
          range_header(offset + i * piece, std::min(piece, count - i * piece)));
      if (!etag.empty()) request.headers.push_back("If-Match: " + etag);
      return request;
    };
    run(pieces.size(), make, [&](std::size_t i, HttpResponse response) {
      session_.require_read("get", name, response);
      pieces[i] = std::move(response.body);
    });
    return pieces;
  }

  void download(const ObjectName& name, const std::filesystem::path& path) override {
    download_file(session_, name, path);
  }

  void put(const ObjectName& name, std::string_view bytes) override {
    const auto response = session_.run(session_.request(Method::put, name, "", bytes));
    session_.require_written("put", name, response);
  }

  bool put_if_absent(const ObjectName& name, std::string_view bytes) override {
    auto request = session_.request(Method::put, name, "", bytes);
    request.headers.emplace_back("If-None-Match: *");
    const auto response = session_.run(std::move(request));
    if (response.status == precondition_failed) {
      // The answer to an earlier attempt may have been lost.
      return response.attempts > 1 && get(name).view() == bytes;
    }
    session_.require_written("put", name, response);
    return true;
  }

  void upload(const ObjectName& name, const std::filesystem::path& path) override {
    upload_file(session_, name, path);
  }

  std::vector<Listed> list(const ObjectName& prefix, std::uint64_t most, Folders folders) override {
    std::vector<Listed> objects;
    for (std::string token; objects.size() < most;) {
      const auto response = session_.run(list_request(prefix, token));
      session_.require_read("list", prefix, response);
      auto page = parse_listing(response.body.view());
      if (folders == Folders::skipped) std::erase_if(page.objects, &is_folder);
      std::move(page.objects.begin(), page.objects.end(), std::back_inserter(objects));
      token = std::move(page.next);
      if (token.empty()) break;
    }
    if (objects.size() > most) objects.resize(most);
    return objects;
  }

  std::optional<Facts> look_at(const ObjectName& name) override {
    const auto response = session_.run(session_.request(Method::head, name));
    if (response.status == 404) return std::nullopt;
    session_.require_read("look at", name, response);
    return Facts{response.content_length, response.etag};
  }

  std::optional<std::uint64_t> size_of(const ObjectName& name) override {
    const auto facts = look_at(name);
    return facts ? std::optional(facts->size) : std::nullopt;
  }

  void remove(std::span<const ObjectName> names) override {
    const auto make = [&](std::size_t i) { return session_.request(Method::remove, names[i]); };
    run(names.size(), make, [&](std::size_t i, const HttpResponse& response) {
      if (response.status != 404) session_.require_written("delete", names[i], response);
    });
  }

 private:
  void run(std::size_t count, const HttpClient::Make& make, const HttpClient::Done& done) {
    session_.run(count, session_.config().most_in_flight, make, done);
  }

  HttpRequest get_request(const ObjectName& name, std::uint64_t offset, std::uint64_t count) const {
    auto request = session_.request(Method::get, name);
    if (offset > 0 || count != everything) request.headers.push_back(range_header(offset, count));
    return request;
  }

  HttpRequest list_request(const ObjectName& prefix, const std::string& token) const {
    std::string query;
    if (!token.empty()) query = fmt::format("continuation-token={}&", percent_encode(token));
    query += fmt::format("encoding-type=url&list-type=2&max-keys={}&prefix={}",
                         session_.config().list_page, percent_encode(prefix.key));
    return session_.request(Method::get, {prefix.bucket, ""}, query);
  }

  S3Session session_;
};

}  // namespace

std::unique_ptr<ObjectStore> s3_client(S3Config config) {
  return std::make_unique<S3Client>(std::move(config));
}

}  // namespace sluice::store
