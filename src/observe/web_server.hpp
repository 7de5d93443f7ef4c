#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace sluice::observe {

/// Answers requests of browsers on this machine's loopback, from a thread of its own that never
/// waits for a client: it serves some dozens at once, and hangs up on those that stand still and,
/// where more come, on those that came first.
class WebServer {
 public:
  struct Request {
    std::string path;           ///< "/data.json"
    std::string host;           ///< header Host
    std::string token;          ///< argument "token"
    std::string authorization;  ///< header Authorization
  };
  struct Answer {
    unsigned status = 200;
    std::string type;
    std::string body;
  };
  /// Called in the server's thread; what it throws becomes an answer with status 500.
  using Handler = std::function<Answer(const Request&)>;

  /// On a free port if it is 0. Throws UsageError if the port cannot be had.
  WebServer(std::uint16_t port, Handler handler);
  /// Hangs up on all clients at once.
  ~WebServer();
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;

  std::uint16_t port() const noexcept;

 private:
  class Daemon;
  std::unique_ptr<Daemon> daemon_;
};

}  // namespace sluice::observe
