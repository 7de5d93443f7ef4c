#include "process/free_port.hpp"

#include "process/system.hpp"
#include "store/descriptor.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

namespace sluice::process {

std::uint16_t free_port() {
  const store::Descriptor socket(
      checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "make a socket"));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  socklen_t size = sizeof(address);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  checked(::bind(socket.get(), any, size), "find a free port");
  checked(::getsockname(socket.get(), any, &size), "find a free port");
  return ntohs(address.sin_port);
}

}  // namespace sluice::process
