#include "process/connection.hpp"

#include "process/system.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <limits>

namespace sluice::process {
namespace {

bool would_wait() { return errno == EAGAIN || errno == EWOULDBLOCK; }

int milliseconds_until(Connection::Clock::time_point deadline) {
  if (deadline == Connection::Clock::time_point::max()) return -1;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - Connection::Clock::now());
  return static_cast<int>(
      std::clamp<std::chrono::milliseconds::rep>(left.count(), 0, std::numeric_limits<int>::max()));
}

}  // namespace

Connection::Connection(store::Descriptor socket, int death)
    : socket_(std::move(socket)), death_(death) {
  checked(::fcntl(socket_.get(), F_SETFL, O_NONBLOCK), "set up a socket");
}

std::optional<Frame> Connection::receive(Clock::time_point deadline) {
  std::optional<Frame> frame;
  const auto came = [&] { return (frame = next()).has_value(); };
  give_way_.until(came);
  for (bool last_look = false; !frame && !came();) {
    if (last_look) throw Gone{};
    if (Clock::now() >= deadline) return std::nullopt;
    last_look = wait(deadline);  // what it said last is read before it counts as gone
  }
  return frame;
}

std::optional<Frame> Connection::look() {
  if (auto frame = next()) return frame;
  if (!wait(Clock::now())) return std::nullopt;
  if (auto frame = next()) return frame;
  throw Gone{};
}

std::optional<Frame> Connection::next() {
  while (true) {
    if (auto frame = incoming_.take()) return frame;
    if (!outgoing_.empty()) write_some();
    if (!read_some()) return std::nullopt;
  }
}

bool Connection::read_some() {
  std::array<char, 16384> bytes;
  const auto count = uninterrupted(
      [&] { return ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT); });
  if (count < 0 && would_wait()) return false;
  if (count <= 0) throw Gone{};
  incoming_.add({bytes.data(), static_cast<std::size_t>(count)});
  return true;
}

// A process that no longer listens may have said why.
void Connection::write_some() {
  const auto count = uninterrupted([&] {
    return ::send(socket_.get(), outgoing_.data(), outgoing_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  });
  if (count >= 0) {
    outgoing_.erase(0, static_cast<std::size_t>(count));
  } else if (!would_wait()) {
    outgoing_.clear();
  }
}

// True if the process has ended.
bool Connection::wait(Clock::time_point deadline) const {
  const auto events = static_cast<short>(outgoing_.empty() ? POLLIN : POLLIN | POLLOUT);
  std::array<pollfd, 2> files{{{socket_.get(), events, 0}, {death_, POLLIN, 0}}};
  ::poll(files.data(), files.size(), milliseconds_until(deadline));
  return (files[1].revents & POLLIN) != 0;
}

}  // namespace sluice::process
