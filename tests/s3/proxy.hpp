#pragma once

#include <atomic>
#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <thread>

namespace sluice::s3 {

/// Passes connections on to a server, and plays tricks: between a client and a real server it is
/// the network.
class Proxy {
 public:
  explicit Proxy(int server_port);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  std::string endpoint() const;

  /// From now on connections are refused, and those that exist are cut.
  void go_down();
  void come_back();
  /// Each of the next `connections` is cut when the server has answered `bytes` on it.
  void cut_answers(int connections, std::size_t bytes);
  /// Each of the next `connections` is accepted and then hears nothing.
  void ignore(int connections);

  /// Connections accepted so far.
  int accepted() const { return accepted_; }

 private:
  struct Pipe {
    int client = -1;
    std::thread thread;
  };
  void accept_all();
  void pass_on(int client, std::size_t most_bytes);
  static void forward(int client, int server, std::size_t most_bytes);

  int server_port_;
  int port_ = 0;
  std::mutex mutex_;
  int listener_ = -1;      ///< -1 while down
  std::list<Pipe> pipes_;  ///< one a connection
  int to_cut_ = 0;
  std::size_t cut_after_ = 0;
  int to_ignore_ = 0;
  std::atomic<int> accepted_{0};
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

}  // namespace sluice::s3
