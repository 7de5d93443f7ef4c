#pragma once

#include "record/lending.hpp"

#include <sluice/error.hpp>

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <stdexcept>

namespace sluice::testing {

enum class Verb { introduce, meet, make, check, write, copy, drop, lend, borrow, give_back, look };

struct Order {
  Verb verb = Verb::look;
  std::size_t slot = 0;
  std::size_t other = 0;  // copy: from there
  std::size_t size = 0;
  std::uint64_t seed = 0;
  std::uint32_t number = 0;  // of an arena
  BlockHandle handle = {};
  ArenaAddress address = {};
};

struct Answer {
  bool ok = true;
  BlockHandle handle = {};
  ArenaAddress address = {};
  std::uintptr_t data = 0;  // where the slot's bytes lie
  std::size_t memory = 0;   // bytes behind this process' arena
};

inline std::uint64_t word(std::uint64_t seed, std::size_t i) {
  return (seed + 1) * 0x9e3779b97f4a7c15 + i;
}

inline void fill(Buffer& buffer, std::uint64_t seed) {
  std::byte* bytes = buffer.mutable_data();
  for (std::size_t i = 0; i + 8 <= buffer.size(); i += 8) {
    const auto value = word(seed, i);
    std::memcpy(bytes + i, &value, 8);
  }
}

inline bool is_filled(const Buffer& buffer, std::uint64_t seed) {
  for (std::size_t i = 0; i + 8 <= buffer.size(); i += 8) {
    const auto value = word(seed, i);
    if (std::memcmp(buffer.data() + i, &value, 8) != 0) return false;
  }
  return true;
}

/// Buffers in numbered slots, and orders about them.
class Holder {
 public:
  Answer serve(const Order& order) {
    Answer answer;
    Buffer& buffer = slots_.at(order.slot);
    try {
      answer.ok = obey(order, buffer, answer);
    } catch (const DecodeError&) {
      answer.ok = false;
    }
    answer.data = reinterpret_cast<std::uintptr_t>(buffer.data());
    return answer;
  }

 private:
  bool obey(const Order& order, Buffer& buffer, Answer& answer) {
    switch (order.verb) {
      case Verb::introduce:
        set_own_number(order.number);
        return find_address(answer);
      case Verb::meet:
        return attach_arena(order.number, order.address);
      case Verb::make:
        buffer = Buffer(order.size);
        fill(buffer, order.seed);
        return true;
      case Verb::check:
        return buffer.size() == order.size && is_filled(buffer, order.seed);
      case Verb::write:
        fill(buffer, order.seed);
        return true;
      case Verb::copy:
        buffer = slots_.at(order.other);
        return true;
      case Verb::drop:
        buffer = Buffer();
        return true;
      case Verb::lend:
        return lend_it(buffer, answer);
      case Verb::borrow:
        buffer = borrow(order.handle, order.size);
        return true;
      case Verb::give_back:
        give_back(order.handle);
        return true;
      case Verb::look:
        return look(answer);
    }
    return false;
  }

  static bool find_address(Answer& answer) {
    const auto address = own_arena();
    if (address) answer.address = *address;
    return address.has_value();
  }

  static bool lend_it(const Buffer& buffer, Answer& answer) {
    const auto handle = lend(buffer);
    if (handle) answer.handle = *handle;
    return handle.has_value();
  }

  static bool look(Answer& answer) {
    struct stat status {};
    if (!find_address(answer) || fstat(answer.address.fd, &status) != 0) return false;
    answer.memory = static_cast<std::size_t>(status.st_blocks) * 512;
    return true;
  }

  std::array<Buffer, 512> slots_;
};

/// A holder in a process of its own, forked from this one.
class PeerProcess {
 public:
  /// `prepare` runs in it first.
  explicit PeerProcess(void (*prepare)() = [] {}) {
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) abort();
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      close(ends[0]);
      prepare();
      serve_until_killed(ends[1]);
    }
    close(ends[1]);
    socket_ = ends[0];
    const timeval patience{60, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  PeerProcess(const PeerProcess&) = delete;
  PeerProcess& operator=(const PeerProcess&) = delete;
  ~PeerProcess() { kill(); }

  Answer serve(const Order& order) {
    Answer answer;
    if (send(socket_, &order, sizeof order, MSG_NOSIGNAL) != sizeof order || !hear(answer)) {
      throw std::runtime_error("the other process does not answer");
    }
    return answer;
  }

  /// Ends it in the middle of whatever it does.
  void kill() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    close(socket_);
    pid_ = -1;
  }

 private:
  // Where there is a time-out, being stopped and continued ends a call.
  bool hear(Answer& answer) const {
    ssize_t heard = 0;
    do {
      heard = recv(socket_, &answer, sizeof answer, 0);
    } while (heard < 0 && errno == EINTR);
    return heard == sizeof answer;
  }

  [[noreturn]] static void serve_until_killed(int socket) {
    auto* holder = new Holder;
    Order order;
    while (recv(socket, &order, sizeof order, 0) == sizeof order) {
      const Answer answer = holder->serve(order);
      if (send(socket, &answer, sizeof answer, MSG_NOSIGNAL) != sizeof answer) break;
    }
    _exit(0);
  }

  pid_t pid_ = -1;
  int socket_ = -1;
};

}  // namespace sluice::testing
