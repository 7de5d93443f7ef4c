#include "gpu/emulated_link.hpp"

#include <sluice/error.hpp>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

namespace sluice::gpu {
namespace {

// Less than a payload, so that one goes in several.
constexpr std::size_t piece = 4096;

std::atomic<std::uint64_t> bytes_received{0};

[[noreturn]] void fail(const char* what, int error) {
  throw Error(ExitCode::stage,
              std::string("an emulated link: ") + what + ": " + std::strerror(error));
}

int checked(int result, const char* call) {
  if (result < 0) fail(call, errno);
  return result;
}

bool is_for_later(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

class Socket {
 public:
  explicit Socket(int file = -1) : file_(file) {}
  ~Socket() {
    if (file_ >= 0) ::close(file_);
  }
  Socket(Socket&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }
  int get() const { return file_; }
  bool is_open() const { return file_ >= 0; }

 private:
  int file_;
};

// In no file system, so that nothing is left behind.
std::pair<sockaddr_un, socklen_t> address_of(const std::string& id) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (id.empty() || id.size() + 1 > sizeof address.sun_path) {
    throw DecodeError("an emulated link's id is malformed");
  }
  std::memcpy(address.sun_path + 1, id.data(), id.size());
  return {address, static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + id.size())};
}

class EmulatedLink final : public Link {
 public:
  EmulatedLink(Device& device, const std::string& id, End end) : device_(device) {
    const auto [address, size] = address_of(id);
    const auto* where = reinterpret_cast<const sockaddr*>(&address);
    Socket socket(
        checked(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket"));
    if (end == End::sends) {
      checked(::bind(socket.get(), where, size), "bind");
      checked(::listen(socket.get(), 1), "listen");
      door_ = std::move(socket);
    } else {
      checked(::connect(socket.get(), where, size), "connect");
      wire_ = std::move(socket);
    }
  }

  bool ready() override {
    if (wire_.is_open() || !door_.is_open()) return wire_.is_open();
    const int joined = ::accept4(door_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (joined < 0 && is_for_later(errno)) return false;
    wire_ = Socket(checked(joined, "accept"));
    door_ = Socket();
    return true;
  }

  void send(std::vector<Buffer> buffers) override { begin(std::move(buffers), true); }
  Buffer allocate(std::size_t size) override { return device_.allocate(size); }
  void receive(std::vector<Buffer> buffers) override { begin(std::move(buffers), false); }

  bool idle() override {
    if (!ready()) return false;
    while (next_ < held_.size()) {
      const auto left = held_[next_].size() - done_;
      if (left > 0) {
        const auto moved = move_piece(std::min(left, piece));
        if (moved == 0) return false;
        done_ += moved;
      }
      if (done_ < held_[next_].size()) continue;
      done_ = 0;
      ++next_;
    }
    held_.clear();
    next_ = 0;
    return true;
  }

  void abort() override {
    door_ = Socket();
    wire_ = Socket();
    held_.clear();
  }

 private:
  void begin(std::vector<Buffer> buffers, bool sending) {
    if (!wire_.is_open() || !held_.empty()) {
      throw InvariantError("an emulated link was used that is not ready");
    }
    held_ = std::move(buffers);
    sending_ = sending;
    next_ = done_ = 0;
  }

  // 0 if none can be moved now.
  std::size_t move_piece(std::size_t size) {
    auto* bytes = const_cast<std::byte*>(held_[next_].data()) + done_;
    const auto moved = sending_ ? ::send(wire_.get(), bytes, size, MSG_NOSIGNAL)
                                : ::recv(wire_.get(), bytes, size, 0);
    if (moved > 0) {
      if (!sending_) bytes_received += static_cast<std::uint64_t>(moved);
      return static_cast<std::size_t>(moved);
    }
    if (moved == 0) fail("transfer", ECONNRESET);
    if (is_for_later(errno)) return 0;
    fail("transfer", errno);
  }

  Device& device_;
  Socket door_;  ///< of the sender, until the receiver has come in
  Socket wire_;
  std::vector<Buffer> held_;
  std::size_t next_ = 0;  ///< of `held_`, that is under way
  std::size_t done_ = 0;  ///< bytes of that one
  bool sending_ = false;
};

}  // namespace

std::string new_emulated_id() {
  static std::atomic<int> count{0};
  return "sluice-link-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
}

std::unique_ptr<Link> open_emulated_link(Device& device, const std::string& id, Link::End end) {
  return std::make_unique<EmulatedLink>(device, id, end);
}

std::uint64_t bytes_over_emulated_links() { return bytes_received; }

}  // namespace sluice::gpu
