// Small objects through sluice's client against a plain curl client with as many connections, from
// the same server, in turns. Starts the server itself.
#include "common/report.hpp"
#include "common/world.hpp"
#include "s3/server.hpp"
#include "store/object_store.hpp"

#include <sluice/error.hpp>
#include <sluice/run.hpp>

#include <curl/curl.h>
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <deque>
#include <string>
#include <vector>

namespace sluice::bench {
namespace {

constexpr std::size_t object_bytes = 4096;
constexpr std::size_t connections = 32;

std::size_t append(char* data, std::size_t, std::size_t size, void* text) {
  static_cast<std::string*>(text)->append(data, size);
  return size;
}

/// What one would write by hand: handles that are set up once and take one URL after the other.
class PlainClient {
 public:
  explicit PlainClient(const store::S3Config& config) : multi_(curl_multi_init()) {
    headers_ = curl_slist_append(nullptr, "x-amz-content-sha256: UNSIGNED-PAYLOAD");
    for (std::size_t i = 0; i < connections; ++i) add_handle(config);
  }
  ~PlainClient() {
    for (auto& one : handles_) curl_easy_cleanup(one.handle);
    curl_multi_cleanup(multi_);
    curl_slist_free_all(headers_);
  }
  PlainClient(const PlainClient&) = delete;
  PlainClient& operator=(const PlainClient&) = delete;

  void get(const std::vector<std::string>& urls) {
    std::size_t next = 0;
    std::size_t done = 0;
    for (auto& one : handles_) start(one, urls, next);
    while (done < urls.size()) {
      int running = 0;
      curl_multi_perform(multi_, &running);
      int left = 0;
      while (const auto* message = curl_multi_info_read(multi_, &left)) {
        Handle* one = nullptr;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &one);
        if (message->data.result != CURLE_OK || one->body.size() != object_bytes) {
          throw InputError("the plain client could not get an object");
        }
        curl_multi_remove_handle(multi_, one->handle);
        ++done;
        start(*one, urls, next);
      }
      if (done < urls.size()) curl_multi_poll(multi_, nullptr, 0, 1000, nullptr);
    }
  }

 private:
  struct Handle {
    CURL* handle;
    std::string body;
  };

  void add_handle(const store::S3Config& config) {
    auto& one = handles_.emplace_back(Handle{curl_easy_init(), {}});
    curl_easy_setopt(one.handle, CURLOPT_PRIVATE, &one);
    curl_easy_setopt(one.handle, CURLOPT_WRITEFUNCTION, &append);
    curl_easy_setopt(one.handle, CURLOPT_WRITEDATA, &one.body);
    curl_easy_setopt(one.handle, CURLOPT_HTTPHEADER, headers_);
    curl_easy_setopt(one.handle, CURLOPT_AWS_SIGV4, "aws:amz:us-east-1:s3");
    curl_easy_setopt(one.handle, CURLOPT_USERNAME, config.credentials.access_key.c_str());
    curl_easy_setopt(one.handle, CURLOPT_PASSWORD, config.credentials.secret_key.c_str());
  }

  void start(Handle& one, const std::vector<std::string>& urls, std::size_t& next) {
    if (next == urls.size()) return;
    one.body.clear();
    curl_easy_setopt(one.handle, CURLOPT_URL, urls[next++].c_str());
    curl_multi_add_handle(multi_, one.handle);
  }

  CURLM* multi_;
  curl_slist* headers_ = nullptr;
  std::deque<Handle> handles_;
};

std::vector<store::ObjectName> make_objects(store::ObjectStore& objects, const std::string& bucket,
                                            std::size_t count) {
  const std::string content(object_bytes, 'x');
  std::vector<store::ObjectStore::Upload> uploads;
  for (std::size_t i = 0; i < count; ++i) {
    uploads.push_back({{bucket, fmt::format("objects/{}", i)}, content});
  }
  for (const auto& fault : objects.store(uploads)) {
    if (!fault.empty()) throw IoError(fault);
  }
  std::vector<store::ObjectName> names;
  for (auto& upload : uploads) names.push_back(std::move(upload.name));
  return names;
}

template <class Work>
double rate(std::size_t count, Work work) {
  const double since = monotonic_seconds();
  work();
  return static_cast<double>(count) / (monotonic_seconds() - since);
}

void get_all(store::ObjectStore& objects, const std::vector<store::ObjectName>& names) {
  for (const auto& found : objects.fetch(names)) {
    if (found.bytes.size() != object_bytes) throw InputError(found.fault);
  }
}

int main_of(std::size_t count, int rounds, bool json) {
  if (const auto why = s3::Server::missing(); !why.empty()) throw UsageError(why);
  auto& server = s3::Server::instance();
  const auto bucket = server.new_bucket();
  const auto objects = store::s3_client(server.config());
  const auto names = make_objects(*objects, bucket, count);
  std::vector<std::string> urls;
  for (const auto& name : names) {
    urls.push_back(fmt::format("{}/{}/{}", server.config().endpoint, name.bucket, name.key));
  }
  PlainClient plain(server.config());
  plain.get(urls);  // so that connections and the server's caches are warm
  get_all(*objects, names);
  const std::string yardstick = "4 KiB gets, plain curl client";
  for (int round = 0; round < rounds; ++round) {
    print({{yardstick, rate(count, [&] { plain.get(urls); }), "objects/s"}}, json);
    print({{"4 KiB gets, sluice's client", rate(count, [&] { get_all(*objects, names); }),
            "objects/s", Target{Aim::at_least, 0.8}, yardstick}},
          json);
  }
  return 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  CLI::App app("Small objects through sluice's S3 client against a plain curl client");
  std::size_t count = 2000;
  int rounds = 9;
  bool json = false;
  app.add_option("--objects", count, "how many are fetched each time")
      ->check(CLI::Range(32, 100000));
  app.add_option("--rounds", rounds, "how often each client fetches them")
      ->check(CLI::Range(1, 1000));
  app.add_flag("--json", json, "print JSON, one object a line");
  CLI11_PARSE(app, argc, argv);
  return sluice::guard_main([=] { return sluice::bench::main_of(count, rounds, json); });
}
