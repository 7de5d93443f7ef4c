#include "observe/web_server.hpp"

#include <sluice/error.hpp>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <csignal>
#include <deque>
#include <exception>
#include <string_view>
#include <utility>

namespace sluice::observe {
namespace {

// What clients may cost altogether. Where they crowd, the one that has been there longest has to
// go, so that none who only asks and reads waits for those who stand still or dawdle.
constexpr unsigned most_clients = 64;
constexpr std::size_t crowd = 48;
constexpr unsigned seconds_standing_still = 5;
constexpr std::size_t bytes_a_client = 16 << 10;  // beside the answer

struct DestroyResponse {
  void operator()(MHD_Response* response) const { MHD_destroy_response(response); }
};

std::string value_of(MHD_Connection* client, MHD_ValueKind kind, const char* name) {
  const char* value = MHD_lookup_connection_value(client, kind, name);
  return value == nullptr ? std::string() : std::string(value);
}

// Threads that start meanwhile get no signals: those are for the run's threads.
class NoSignals {
 public:
  NoSignals() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~NoSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  NoSignals(const NoSignals&) = delete;
  NoSignals& operator=(const NoSignals&) = delete;

 private:
  sigset_t before_{};
};

// The run comes first where time is short. On Linux this is of the calling thread alone.
void step_back() {
  thread_local const int once = ::setpriority(PRIO_PROCESS, 0, 10);
  static_cast<void>(once);
}

}  // namespace

class WebServer::Daemon {
 public:
  Daemon(std::uint16_t port, Handler handler) : handler_(std::move(handler)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const NoSignals none;
    daemon_ =
        MHD_start_daemon(MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ITC, 0, nullptr,
                         nullptr, &Daemon::answer, this, MHD_OPTION_SOCK_ADDR, &address,
                         MHD_OPTION_CONNECTION_LIMIT, most_clients, MHD_OPTION_CONNECTION_TIMEOUT,
                         seconds_standing_still, MHD_OPTION_CONNECTION_MEMORY_LIMIT, bytes_a_client,
                         MHD_OPTION_NOTIFY_CONNECTION, &Daemon::come_or_go, this, MHD_OPTION_END);
    const auto* bound =
        daemon_ == nullptr ? nullptr : MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_BIND_PORT);
    if (bound == nullptr) {
      throw UsageError(fmt::format(
          "cannot answer at 127.0.0.1:{}: another program may have the port; choose another one, "
          "or leave the choice to sluice (--page)",
          port));
    }
    port_ = bound->port;
  }
  ~Daemon() { MHD_stop_daemon(daemon_); }
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  std::uint16_t port() const noexcept { return port_; }

 private:
  static void come_or_go(void* self, MHD_Connection* client, void**,
                         MHD_ConnectionNotificationCode what) {
    const auto* info = MHD_get_connection_info(client, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info == nullptr) return;
    auto& clients = static_cast<Daemon*>(self)->clients_;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
      clients.push_back(info->connect_fd);
      if (clients.size() <= crowd) return;
      ::shutdown(clients.front(), SHUT_RDWR);  // the library sees it, and closes it
      clients.pop_front();
    } else {
      std::erase(clients, info->connect_fd);
    }
  }

  static MHD_Result answer(void* self, MHD_Connection* client, const char* path, const char* method,
                           const char*, const char*, std::size_t*, void**) {
    step_back();
    const auto answer = static_cast<Daemon*>(self)->answer_to(client, path, method);
    return send(client, answer);
  }

  Answer answer_to(MHD_Connection* client, const char* path, std::string_view method) const {
    if (method != "GET" && method != "HEAD") {
      return {MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", "there is nothing to change here\n"};
    }
    try {
      return handler_({path, value_of(client, MHD_HEADER_KIND, "Host"),
                       value_of(client, MHD_GET_ARGUMENT_KIND, "token"),
                       value_of(client, MHD_HEADER_KIND, "Authorization")});
    } catch (const std::exception& error) {
      return {MHD_HTTP_INTERNAL_SERVER_ERROR, "text/plain", fmt::format("{}\n", error.what())};
    }
  }

  // Nothing may be kept, framed, or fetched from elsewhere, and no address with a token goes out.
  static MHD_Result send(MHD_Connection* client, const Answer& answer) {
    // The library takes the bytes as not const, but copies them.
    const std::unique_ptr<MHD_Response, DestroyResponse> response(MHD_create_response_from_buffer(
        answer.body.size(), const_cast<char*>(answer.body.data()), MHD_RESPMEM_MUST_COPY));
    if (!response) return MHD_NO;
    const std::pair<const char*, const char*> headers[] = {
        {"Content-Type", answer.type.c_str()},
        {"Connection", "close"},
        {"Cache-Control", "no-store"},
        {"Referrer-Policy", "no-referrer"},
        {"X-Content-Type-Options", "nosniff"},
        {"Content-Security-Policy",
         "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src "
         "'self'; frame-ancestors 'none'"}};
    for (const auto& [name, value] : headers) {
      if (MHD_add_response_header(response.get(), name, value) == MHD_NO) return MHD_NO;
    }
    return MHD_queue_response(client, answer.status, response.get());
  }

  const Handler handler_;
  std::deque<int> clients_;  ///< sockets, oldest first; of the library's one thread
  MHD_Daemon* daemon_ = nullptr;
  std::uint16_t port_ = 0;
};

WebServer::WebServer(std::uint16_t port, Handler handler)
    : daemon_(std::make_unique<Daemon>(port, std::move(handler))) {}

WebServer::~WebServer() = default;

std::uint16_t WebServer::port() const noexcept { return daemon_->port(); }

}  // namespace sluice::observe
