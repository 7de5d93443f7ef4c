#include "s3/server.hpp"

#include "s3/free_ports.hpp"
#include "store/s3_session.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

namespace sluice::s3 {
namespace {

std::vector<std::string> command(const std::filesystem::path& folder, const std::vector<int>& ports,
                                 bool tls) {
  std::vector<std::string> words{SLUICE_WEED,
                                 "-logtostderr",
                                 "server",
                                 "-ip=127.0.0.1",
                                 fmt::format("-dir={}", folder.string()),
                                 "-s3",
                                 fmt::format("-s3.config={}", (folder / "s3.json").string())};
  const std::vector<std::string> names{"s3.port",          "s3.port.grpc",   "master.port",
                                       "master.port.grpc", "volume.port",    "volume.port.grpc",
                                       "filer.port",       "filer.port.grpc"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    words.push_back(fmt::format("-{}={}", names[i], ports[i]));
  }
  for (const auto* option :
       {"-s3.iam=false", "-s3.autoCreateBucket=false", "-s3.port.iceberg=0", "-s3.port.lance=0",
        "-master.telemetry=false", "-master.volumeSizeLimitMB=64", "-volume.max=1000",
        "-volume.preStopSeconds=0"}) {
    words.emplace_back(option);
  }
  for (const auto* socket : {"filer", "s3"}) {
    words.push_back(
        fmt::format("-{}.localSocket={}", socket, (folder / socket).string() + ".sock"));
  }
  if (tls) {
    words.push_back(fmt::format("-s3.cert.file={}", (folder / "cert.pem").string()));
    words.push_back(fmt::format("-s3.key.file={}", (folder / "key.pem").string()));
  }
  return words;
}

// The child ends with this thread, which is that of the tests.
[[noreturn]] void execute(std::vector<std::string> words, const std::filesystem::path& log) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::dup2(file, 1);
  ::dup2(file, 2);
  std::vector<char*> pointers;
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  ::execv(pointers[0], pointers.data());
  ::_exit(127);
}

}  // namespace

std::string Server::missing() {
  if (std::filesystem::exists(SLUICE_WEED)) return {};
  return "no SeaweedFS here to test against: run cmake/install-test-tools.sh, and CMake again";
}

Server& Server::instance() {
  static Server server;
  return server;
}

Server& Server::over_tls() {
  static Server server(true);
  return server;
}

Server::Server(bool tls) : tls_(tls) {
  if (tls_) make_certificate(folder_.path());
  const auto ports = free_ports(8);
  port_ = ports[0];
  store::write_text(folder_ / "s3.json",
                    fmt::format(R"({{"identities": [{{"name": "test", "credentials":
                      [{{"accessKey": "{}", "secretKey": "{}"}}],
                      "actions": ["Admin", "Read", "Write", "List"]}}]}})",
                                access_key, secret_key));
  const auto words = command(folder_.path(), ports, tls_);
  process_ = ::fork();
  if (process_ == 0) execute(words, folder_ / "log");
  wait_until_up();
}

Server::~Server() {
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
}

// Up is when a bucket can be made and written to.
void Server::wait_until_up() const {
  auto quick = config();
  quick.retry_for = std::chrono::milliseconds(0);
  store::S3Session session(quick);
  const store::ObjectName bucket{"is-up", ""};
  const store::ObjectName object{"is-up", "object"};
  using Method = store::HttpRequest::Method;
  for (int tenths = 0; tenths < 1200; ++tenths) {
    session.run(session.request(Method::put, bucket));
    if (session.run(session.request(Method::put, object, "", "x")).ok()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  throw std::runtime_error("SeaweedFS does not come up; its log ends with: " +
                           store::read_text(folder_ / "log").substr(0, 2000));
}

store::S3Config Server::config() const {
  store::S3Config config;
  config.endpoint = fmt::format("{}://127.0.0.1:{}", tls_ ? "https" : "http", port_);
  if (tls_) config.ca_bundle = (folder_ / "cert.pem").string();
  config.region = "us-east-1";
  config.credentials = {access_key, secret_key, "", "the test"};
  config.retry_for = std::chrono::seconds(20);
  return config;
}

std::string Server::new_bucket() {
  auto name = fmt::format("bucket-{}", buckets_++);
  store::S3Session session(config());
  const auto response = session.run(session.request(store::HttpRequest::Method::put, {name, ""}));
  session.require_written("make", {name, ""}, response);
  return name;
}

void make_certificate(const std::filesystem::path& folder) {
  const auto command = fmt::format(
      "cd '{}' && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
      "-subj /CN=sluice-test -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem "
      "2> openssl.log",
      folder.string());
  if (std::system(command.c_str()) == 0) return;
  throw std::runtime_error("openssl makes no certificate: " +
                           store::read_text(folder / "openssl.log"));
}

void set_environment(const Server& server, const std::string& endpoint) {
  ::setenv("AWS_ENDPOINT_URL_S3",
           endpoint.empty() ? server.config().endpoint.c_str() : endpoint.c_str(), 1);
  ::setenv("AWS_ACCESS_KEY_ID", Server::access_key, 1);
  ::setenv("AWS_SECRET_ACCESS_KEY", Server::secret_key, 1);
  ::unsetenv("AWS_SESSION_TOKEN");
  ::setenv("AWS_REGION", "us-east-1", 1);
}

}  // namespace sluice::s3
