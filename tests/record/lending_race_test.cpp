// Processes that lend to each other all at once.
#include "record/holder.hpp"
#include "record/lending.hpp"
#include "record/meeting.hpp"

#include <gtest/gtest.h>

#include <poll.h>

#include <array>
#include <random>
#include <utility>
#include <vector>

namespace sluice {
namespace {

constexpr std::uint32_t processes = 3;
constexpr int makings = 3000;

struct Letter {
  BlockHandle handle = {};
  std::uint64_t size = 0;  // 0: the sender has nothing more to say
  std::uint64_t seed = 0;
};

using Addresses = std::array<ArenaAddress, processes>;
using AddressMeeting = testing::Meeting<Addresses>;

// Everyone attaches everyone's arena before anyone lends: handles of any may come from any.
bool meet(std::uint32_t self, const AddressMeeting& meeting) {
  set_own_number(self);
  (*meeting)[self] = *own_arena();
  meeting.wait();
  bool all = true;
  for (std::uint32_t other = 0; other < processes; ++other) {
    all = all && (other == self || attach_arena(other, (*meeting)[other]));
  }
  meeting.wait();
  return all;
}

std::size_t memory() {
  struct stat status {};
  fstat(own_arena()->fd, &status);
  return static_cast<std::size_t>(status.st_blocks) * 512;
}

// Each process' inbox: what is written to [1] can be read from [0], in order and whole.
struct Inbox {
  std::array<int, 2> ends{};
  Inbox() {
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0);
    const int few_letters = 8 * 1024;  // bounds what is on its way
    setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &few_letters, sizeof few_letters);
  }
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;
  ~Inbox() {
    close(ends[0]);
    close(ends[1]);
  }
};

// Makes buffers, and sends each to a random process, which reads it, perhaps writes to it, and
// keeps it for a while or sends it on.
class Correspondent {
 public:
  Correspondent(std::uint32_t self, const std::array<Inbox, processes>& inboxes)
      : self_(self), inboxes_(inboxes), random_(self) {}

  bool run(const AddressMeeting& meeting) {
    expect(meet(self_, meeting));
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
    return failures_ == 0 && memory() < 16UL << 20;
  }

 private:
  struct Kept {
    Buffer buffer;
    std::uint64_t seed = 0;
  };

  std::size_t below(std::size_t end) { return random_() % end; }

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

  void expect(bool holds) { failures_ += holds ? 0 : 1; }

  std::uint32_t self_;
  const std::array<Inbox, processes>& inboxes_;
  std::mt19937 random_;
  std::vector<Kept> kept_;
  std::uint64_t last_seed_ = 0;
  std::uint32_t open_ = processes - 1;
  int failures_ = 0;
};

TEST(LendingRace, ManyProcessesMayLendToEachOtherAtOnce) {
  const std::array<Inbox, processes> inboxes;
  const AddressMeeting meeting(processes);
  EXPECT_TRUE(testing::in_processes(
      processes, [&](std::uint32_t self) { return Correspondent(self, inboxes).run(meeting); }));
}

// Far more often than batches would, all at once count one block's references up and down.
TEST(LendingRace, NoReferenceIsLostOrCountedTwice) {
  constexpr std::size_t size = 64 * 1024;
  const AddressMeeting meeting(processes);
  const testing::Meeting<std::array<BlockHandle, processes>> table(processes);
  EXPECT_TRUE(testing::in_processes(processes, [&](std::uint32_t self) {
    bool good = meet(self, meeting);
    Buffer own(size);
    const std::byte* place = own.data();
    for (auto& handle : *table) {
      if (self == 0) handle = *lend(own);
    }
    table.wait();
    Buffer shared = borrow((*table)[self], size);
    table.wait();
    for (int i = 0; i < 300'000; ++i) give_back(*lend(shared));
    shared = Buffer();
    table.wait();
    good = good && own.mutable_data() == place;  // nobody else's any more
    own = Buffer();
    return good && Buffer(size).data() == place;
  }));
}

// Two processes push on the return stack of a third as fast as they can.
TEST(LendingRace, NoBlockIsLostOnItsWayHome) {
  constexpr std::size_t count = 2000;
  constexpr std::size_t size = 64 * 1024;
  const AddressMeeting meeting(processes);
  const testing::Meeting<std::array<BlockHandle, count>> table(processes);
  EXPECT_TRUE(testing::in_processes(processes, [&](std::uint32_t self) {
    bool good = meet(self, meeting);
    std::size_t first_memory = 0;
    for (int round = 0; round < 20; ++round) {
      std::vector<Buffer> buffers;
      for (std::size_t i = 0; self == 0 && i < count; ++i) {
        buffers.emplace_back(size);
        (*table)[i] = *lend(buffers.back());
      }
      if (round == 0) first_memory = memory();
      buffers.clear();
      table.wait();
      for (std::size_t i = self; self > 0 && i <= count; i += 2) give_back((*table)[i - 1]);
      table.wait();
    }
    return good && memory() == first_memory;
  }));
}

}  // namespace
}  // namespace sluice
