#include "s3/proxy.hpp"

#include "s3/free_ports.hpp"

#include <fmt/format.h>

#include <poll.h>

#include <array>
#include <chrono>
#include <limits>

namespace sluice::s3 {
namespace {

constexpr auto everything = std::numeric_limits<std::size_t>::max();

int connect_to(int port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address);
  return socket;
}

// How much was passed on; nothing at the end.
std::size_t copy(int from, int to, std::size_t most) {
  std::array<char, 65536> bytes{};
  const auto got = ::recv(from, bytes.data(), std::min(bytes.size(), most), 0);
  if (got <= 0) return 0;
  const auto size = static_cast<std::size_t>(got);
  return ::send(to, bytes.data(), size, MSG_NOSIGNAL) == got ? size : 0;
}

}  // namespace

Proxy::Proxy(int server_port) : server_port_(server_port), listener_(listen_on(0)) {
  port_ = port_of(listener_);
  thread_ = std::thread([this] { accept_all(); });
}

Proxy::~Proxy() {
  ending_ = true;
  thread_.join();
  go_down();
  for (auto& pipe : pipes_) {
    pipe.thread.join();
    ::close(pipe.client);
  }
}

std::string Proxy::endpoint() const { return fmt::format("http://127.0.0.1:{}", port_); }

void Proxy::go_down() {
  const std::lock_guard lock(mutex_);
  if (listener_ >= 0) ::close(listener_);
  listener_ = -1;
  for (const auto& pipe : pipes_) ::shutdown(pipe.client, SHUT_RDWR);
}

void Proxy::come_back() {
  const std::lock_guard lock(mutex_);
  listener_ = listen_on(port_);
}

void Proxy::cut_answers(int connections, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  to_cut_ = connections;
  cut_after_ = bytes;
}

void Proxy::ignore(int connections) {
  const std::lock_guard lock(mutex_);
  to_ignore_ = connections;
}

void Proxy::accept_all() {
  while (!ending_) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const std::lock_guard lock(mutex_);
    pollfd waiting{listener_, POLLIN, 0};
    if (listener_ < 0 || ::poll(&waiting, 1, 0) <= 0) continue;
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    ++accepted_;
    auto& pipe = pipes_.emplace_back();
    pipe.client = client;
    if (to_ignore_ > 0) {
      --to_ignore_;
      pipe.thread = std::thread([] {});
      continue;
    }
    const auto most = to_cut_ > 0 ? cut_after_ : everything;
    to_cut_ -= to_cut_ > 0 ? 1 : 0;
    pipe.thread = std::thread([this, client, most] { pass_on(client, most); });
  }
}

void Proxy::pass_on(int client, std::size_t most_bytes) {
  const int server = connect_to(server_port_);
  forward(client, server, most_bytes);
  ::shutdown(client, SHUT_RDWR);
  ::close(server);
}

void Proxy::forward(int client, int server, std::size_t most_bytes) {
  while (most_bytes > 0) {
    std::array<pollfd, 2> both{{{client, POLLIN, 0}, {server, POLLIN, 0}}};
    if (::poll(both.data(), both.size(), 10'000) <= 0) return;
    if (both[0].revents != 0 && copy(client, server, everything) == 0) return;
    if (both[1].revents == 0) continue;
    const auto copied = copy(server, client, most_bytes);
    if (copied == 0) return;
    if (most_bytes != everything) most_bytes -= copied;
  }
}

}  // namespace sluice::s3
