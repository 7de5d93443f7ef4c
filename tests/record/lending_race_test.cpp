// Processes that lend to each other all at once.
#include "record/holder.hpp"
#include "record/lending.hpp"

#include <gtest/gtest.h>

#include <poll.h>

#include <random>
#include <vector>

namespace sluice {
namespace {

constexpr std::uint32_t processes = 3;
constexpr int makings = 3000;

struct Letter {
  BlockHandle handle = {};
  std::uint64_t size = 0;  // 0: the sender has nothing more to say
  std::uint64_t seed = 0;
  ArenaAddress address = {};  // in the first letters
};

// Each process' inbox: what is written to [1] can be read from [0], in order and whole.
struct Inbox {
  std::array<int, 2> ends{};
  Inbox() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0); }
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;
  ~Inbox() {
    close(ends[0]);
    close(ends[1]);
  }
};

// Makes buffers, and sends each to a random process, which reads it, perhaps writes to it, and
// keeps it for a while or sends it on. Its process ends with 0 if it found nothing wrong.
class Correspondent {
 public:
  Correspondent(std::uint32_t self, const std::array<Inbox, processes>& inboxes)
      : self_(self), inboxes_(inboxes), random_(self) {}

  int run() {
    meet();
    for (int i = 0; i < makings; ++i) {
      Buffer buffer(64 * 1024 + below(16 * 1024));
      testing::fill(buffer, ++last_seed_);
      keep(std::move(buffer), last_seed_);
      while (receive(0)) {
      }
    }
    for (std::uint32_t other = 0; other < processes; ++other) {
      while (other != self_ && !send({}, other)) receive(0);
    }
    while (open_ > 0) receive(-1);
    return failures_ == 0 && memory() < 32UL << 20 ? 0 : 1;
  }

 private:
  struct Kept {
    Buffer buffer;
    std::uint64_t seed = 0;
  };

  std::size_t below(std::size_t end) { return random_() % end; }

  void meet() {
    set_own_number(self_);
    for (std::uint32_t other = 0; other < processes; ++other) {
      if (other != self_) send({{self_, 0}, 0, 0, *own_arena()}, other);
    }
    for (std::uint32_t i = 1; i < processes; ++i) {
      Letter letter;
      recv(inboxes_[self_].ends[0], &letter, sizeof letter, 0);
      expect(attach_arena(letter.handle.arena, letter.address));
    }
  }

  void keep(Buffer buffer, std::uint64_t seed) {
    kept_.push_back({std::move(buffer), seed});
    if (kept_.size() < 8) return;
    std::swap(kept_[below(kept_.size())], kept_.back());
    Kept kept = std::move(kept_.back());
    kept_.pop_back();
    expect(testing::is_filled(kept.buffer, kept.seed));
    const std::size_t receivers = below(3);  // none, one, or two who hold the same bytes
    for (std::size_t i = 0; i < receivers; ++i) pass(kept);
  }

  void pass(const Kept& kept) {
    const auto handle = lend(kept.buffer);
    expect(handle.has_value());
    const auto to = static_cast<std::uint32_t>(below(processes));
    if (to == self_ || !send({*handle, kept.buffer.size(), kept.seed}, to)) give_back(*handle);
  }

  bool send(const Letter& letter, std::uint32_t to) {
    return ::send(inboxes_[to].ends[1], &letter, sizeof letter, MSG_DONTWAIT) == sizeof letter;
  }

  bool receive(int patience) {
    pollfd inbox{inboxes_[self_].ends[0], POLLIN, 0};
    if (poll(&inbox, 1, patience) <= 0) return false;
    Letter letter;
    recv(inbox.fd, &letter, sizeof letter, 0);
    if (letter.size == 0) {
      --open_;
      return true;
    }
    Buffer buffer = borrow(letter.handle, letter.size);
    expect(testing::is_filled(buffer, letter.seed));
    if (below(2) == 0) testing::fill(buffer, letter.seed = ++last_seed_);
    keep(std::move(buffer), letter.seed);
    return true;
  }

  static std::size_t memory() {
    struct stat status {};
    fstat(own_arena()->fd, &status);
    return static_cast<std::size_t>(status.st_blocks) * 512;
  }

  void expect(bool holds) { failures_ += holds ? 0 : 1; }

  std::uint32_t self_;
  const std::array<Inbox, processes>& inboxes_;
  std::mt19937 random_;
  std::vector<Kept> kept_;
  std::uint64_t last_seed_ = 0;
  std::uint32_t open_ = processes - 1;
  int failures_ = 0;
};

TEST(Lending, ManyProcessesMayLendToEachOtherAtOnce) {
  const std::array<Inbox, processes> inboxes;
  std::vector<pid_t> children;
  for (std::uint32_t self = 0; self < processes; ++self) {
    children.push_back(fork());
    if (children.back() == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      alarm(120);
      _exit(Correspondent(self, inboxes).run());
    }
  }
  for (const pid_t child : children) {
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
}

}  // namespace
}  // namespace sluice
