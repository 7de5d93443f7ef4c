#pragma once

#include "store/descriptor.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cstdint>
#include <string>

namespace sluice::observe {

/// A connection to a port of this machine; below 0 if nobody takes it.
inline store::Descriptor connect_to(std::uint16_t port) {
  store::Descriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval patience{10, 0};
  ::setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const bool there =
      ::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  return there ? std::move(client) : store::Descriptor();
}

inline bool say(const store::Descriptor& client, const std::string& text) {
  return ::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(text.size());
}

/// All that comes until the server hangs up, head and body; empty if nothing came in ten seconds.
inline std::string ask(std::uint16_t port, const std::string& path, const std::string& headers = "",
                       const std::string& method = "GET") {
  const auto client = connect_to(port);
  say(client, method + " " + path + " HTTP/1.1\r\n" +
                  (headers.find("Host:") == std::string::npos
                       ? "Host: 127.0.0.1:" + std::to_string(port) + "\r\n"
                       : "") +
                  headers + "\r\n");
  std::string answer;
  char bytes[4096];
  for (ssize_t count = 0; (count = ::recv(client.get(), bytes, sizeof bytes, 0)) > 0;) {
    answer.append(bytes, static_cast<std::size_t>(count));
  }
  return answer;
}

}  // namespace sluice::observe
