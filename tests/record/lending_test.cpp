// Buffers that several processes hold. Each is forked from the test, and starts with an empty pool.
#include "record/lending.hpp"
#include "record/holder.hpp"

#include <gtest/gtest.h>

#include <sys/resource.h>

#include <map>
#include <memory>
#include <random>
#include <vector>

namespace sluice {
namespace {

using testing::Answer;
using testing::Order;
using testing::PeerProcess;
using testing::Verb;

constexpr std::size_t kibibyte = 1UL << 10;
constexpr std::size_t mebibyte = 1UL << 20;

// Processes that know each other's arenas.
class Node {
 public:
  explicit Node(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) processes_.push_back(std::make_unique<PeerProcess>());
    for (std::uint32_t number = 0; number < count; ++number) {
      const Answer known = ask(number, {.verb = Verb::introduce, .number = number});
      EXPECT_TRUE(known.ok);
      const Order meet{.verb = Verb::meet, .number = number, .address = known.address};
      for (std::uint32_t other = 0; other < count; ++other) {
        EXPECT_TRUE(other == number || ask(other, meet).ok);
      }
    }
  }

  Answer ask(std::size_t process, const Order& order) { return processes_[process]->serve(order); }

  // The new holder's answer.
  Answer pass(std::size_t from, std::size_t slot, std::size_t to, std::size_t into,
              std::size_t size) {
    const Answer lent = ask(from, {.verb = Verb::lend, .slot = slot});
    EXPECT_TRUE(lent.ok);
    const Answer borrowed =
        ask(to, {.verb = Verb::borrow, .slot = into, .size = size, .handle = lent.handle});
    EXPECT_TRUE(borrowed.ok);
    return borrowed;
  }

  bool holds(std::size_t process, std::size_t slot, std::size_t size, std::uint64_t seed) {
    return ask(process, {.verb = Verb::check, .slot = slot, .size = size, .seed = seed}).ok;
  }

  void kill(std::size_t process) { processes_[process]->kill(); }

 private:
  std::vector<std::unique_ptr<PeerProcess>> processes_;
};

TEST(Lending, BytesArriveWithoutBeingCopiedOverManyHops) {
  Node node(3);
  const auto made = node.ask(0, {.verb = Verb::make, .size = mebibyte, .seed = 5});
  node.pass(0, 0, 1, 0, mebibyte);
  node.ask(0, {.verb = Verb::drop});
  node.pass(1, 0, 2, 0, mebibyte);
  node.ask(1, {.verb = Verb::drop});
  EXPECT_TRUE(node.holds(2, 0, mebibyte, 5));
  EXPECT_EQ(node.pass(2, 0, 0, 1, mebibyte).data, made.data);
  EXPECT_TRUE(node.holds(0, 1, mebibyte, 5));
}

TEST(Lending, BlocksComeHomeToTheirOwnerAndAreUsedAgain) {
  Node node(2);
  const Order make{.verb = Verb::make, .size = mebibyte, .seed = 1};
  const auto place = node.ask(0, make).data;
  const auto memory = node.ask(0, {.verb = Verb::look}).memory;
  for (int round = 0; round < 1000; ++round) {
    node.pass(0, 0, 1, 0, mebibyte);
    node.ask(0, {.verb = Verb::drop});
    node.ask(1, {.verb = Verb::drop});
    ASSERT_EQ(node.ask(0, make).data, place) << round;
  }
  EXPECT_EQ(node.ask(0, {.verb = Verb::look}).memory, memory);
}

TEST(Lending, WritersCopyWhileAnyoneElseHoldsTheBytes) {
  Node node(2);
  const auto made = node.ask(0, {.verb = Verb::make, .size = mebibyte, .seed = 1});
  const auto borrowed = node.pass(0, 0, 1, 0, mebibyte);
  EXPECT_NE(node.ask(1, {.verb = Verb::write, .seed = 2}).data, borrowed.data);
  EXPECT_TRUE(node.holds(0, 0, mebibyte, 1));
  EXPECT_TRUE(node.holds(1, 0, mebibyte, 2));

  node.pass(0, 0, 1, 1, mebibyte);
  EXPECT_NE(node.ask(0, {.verb = Verb::write, .seed = 3}).data, made.data);
  EXPECT_TRUE(node.holds(1, 1, mebibyte, 1));
  EXPECT_EQ(node.ask(1, {.verb = Verb::write, .slot = 1, .seed = 4}).data, borrowed.data)
      << "the only holder writes in place";
}

TEST(Lending, AHandleOnItsWayHoldsTheBytes) {
  Node node(2);
  const auto made = node.ask(0, {.verb = Verb::make, .size = mebibyte, .seed = 1});
  const auto lent = node.ask(0, {.verb = Verb::lend});
  EXPECT_NE(node.ask(0, {.verb = Verb::write, .seed = 2}).data, made.data);
  node.ask(1, {.verb = Verb::borrow, .size = mebibyte, .handle = lent.handle});
  EXPECT_TRUE(node.holds(1, 0, mebibyte, 1));

  const auto rewritten = node.ask(0, {.verb = Verb::look});
  const auto lent_again = node.ask(0, {.verb = Verb::lend});
  EXPECT_TRUE(node.ask(0, {.verb = Verb::give_back, .handle = lent_again.handle}).ok);
  EXPECT_EQ(node.ask(0, {.verb = Verb::write, .seed = 3}).data, rewritten.data);
}

TEST(Lending, MemoryOfManyBlocksThatComeHomeIsReleasedThoughTheOwnerIsBusy) {
  constexpr std::size_t count = 320;
  Node node(2);
  for (std::size_t slot = 0; slot < count; ++slot) {
    node.ask(0, {.verb = Verb::make, .slot = slot, .size = mebibyte, .seed = slot});
    node.pass(0, slot, 1, slot, mebibyte);
    node.ask(0, {.verb = Verb::drop, .slot = slot});
  }
  EXPECT_GE(node.ask(0, {.verb = Verb::look}).memory, count * mebibyte);
  for (std::size_t slot = 0; slot < count; ++slot) {
    ASSERT_TRUE(node.holds(1, slot, mebibyte, slot));
    node.ask(1, {.verb = Verb::drop, .slot = slot});
  }
  EXPECT_LE(node.ask(0, {.verb = Verb::look}).memory, 257 * mebibyte);
  for (std::size_t slot = 0; slot < count; ++slot) {
    node.ask(0, {.verb = Verb::make, .slot = slot, .size = mebibyte, .seed = slot + 1});
  }
  for (std::size_t slot = 0; slot < count; ++slot) {
    ASSERT_TRUE(node.holds(0, slot, mebibyte, slot + 1));
  }
}

TEST(Lending, AKilledBorrowerTakesOnlyItsBlocksAlong) {
  Node node(2);
  node.ask(0, {.verb = Verb::make, .size = mebibyte, .seed = 1});
  node.pass(0, 0, 1, 0, mebibyte);
  node.kill(1);
  EXPECT_TRUE(node.holds(0, 0, mebibyte, 1));
  for (std::size_t slot = 1; slot < 50; ++slot) {
    node.ask(0, {.verb = Verb::make, .slot = slot, .size = mebibyte, .seed = slot});
  }
  for (std::size_t slot = 1; slot < 50; ++slot) EXPECT_TRUE(node.holds(0, slot, mebibyte, slot));
}

TEST(Lending, BytesOutliveAKilledOwner) {
  Node node(2);
  node.ask(1, {.verb = Verb::make, .size = mebibyte, .seed = 1});
  node.pass(1, 0, 0, 0, mebibyte);
  node.kill(1);
  EXPECT_TRUE(node.holds(0, 0, mebibyte, 1));
  node.ask(0, {.verb = Verb::drop});
}

// Makes, copies, writes, drops, and passes buffers on in a random order, and compares all that any
// process holds with what it should.
class RandomHolders {
 public:
  explicit RandomHolders(unsigned seed) : random_(seed), node_(3) {}

  void step() {
    const std::size_t process = below(3);
    const std::size_t slot = below(slots);
    const std::size_t other = below(slots);
    auto& held = held_[{process, slot}];
    switch (below(6)) {
      case 0:
        make(process, slot);
        break;
      case 1:
        copy(process, other, slot);
        break;
      case 2:
        write(process, slot);
        break;
      case 3:
        node_.ask(process, {.verb = Verb::drop, .slot = slot});
        held = {};
        break;
      default:
        pass(process, slot, below(3), other);
        break;
    }
    check(process, slot);
  }

  void check_all() {
    for (std::size_t process = 0; process < 3; ++process) {
      for (std::size_t slot = 0; slot < slots; ++slot) check(process, slot);
    }
  }

  void drop_all() {
    for (std::size_t process = 0; process < 3; ++process) {
      for (std::size_t slot = 0; slot < slots; ++slot) {
        node_.ask(process, {.verb = Verb::drop, .slot = slot});
      }
    }
  }

  std::size_t memory(std::size_t process) {
    return node_.ask(process, {.verb = Verb::look}).memory;
  }

 private:
  static constexpr std::size_t slots = 6;
  struct Held {
    std::size_t size = 0;
    std::uint64_t seed = 0;
  };

  std::size_t below(std::size_t end) { return random_() % end; }

  // On the heap, or in one of two classes of blocks: of 80 and of 320 KiB.
  std::size_t random_size() {
    switch (below(4)) {
      case 0:
        return 1 + below(1000);
      case 1:
        return 65 * kibibyte + below(15 * kibibyte);
      default:
        return 257 * kibibyte + below(63 * kibibyte);
    }
  }

  void make(std::size_t process, std::size_t slot) {
    auto& held = held_[{process, slot}];
    held = {random_size(), ++last_seed_};
    node_.ask(process, {.verb = Verb::make, .slot = slot, .size = held.size, .seed = held.seed});
  }

  void copy(std::size_t process, std::size_t from, std::size_t to) {
    node_.ask(process, {.verb = Verb::copy, .slot = to, .other = from});
    held_[{process, to}] = held_[{process, from}];
  }

  void write(std::size_t process, std::size_t slot) {
    held_[{process, slot}].seed = ++last_seed_;
    node_.ask(process, {.verb = Verb::write, .slot = slot, .seed = last_seed_});
  }

  // Small buffers, on the heap, cannot be lent, and all others can.
  void pass(std::size_t from, std::size_t slot, std::size_t to, std::size_t into) {
    const Held held = held_[{from, slot}];
    const auto lent = node_.ask(from, {.verb = Verb::lend, .slot = slot});
    ASSERT_EQ(lent.ok, held.size >= 64 * kibibyte);
    if (!lent.ok) return;
    if (below(10) == 0) {
      ASSERT_TRUE(node_.ask(to, {.verb = Verb::give_back, .handle = lent.handle}).ok);
      return;
    }
    ASSERT_TRUE(
        node_
            .ask(to, {.verb = Verb::borrow, .slot = into, .size = held.size, .handle = lent.handle})
            .ok);
    held_[{to, into}] = held;
    check(to, into);
  }

  void check(std::size_t process, std::size_t slot) {
    const Held held = held_[{process, slot}];
    ASSERT_TRUE(node_.holds(process, slot, held.size, held.seed))
        << "process " << process << ", slot " << slot;
  }

  std::mt19937 random_;
  Node node_;
  std::map<std::pair<std::size_t, std::size_t>, Held> held_;
  std::uint64_t last_seed_ = 0;
};

class LendingAtRandom : public ::testing::TestWithParam<unsigned> {};

TEST_P(LendingAtRandom, EveryHolderSeesItsOwnBytes) {
  RandomHolders holders(GetParam());
  for (int i = 0; i < 4000 && !HasFatalFailure(); ++i) {
    holders.step();
    if (i % 100 == 0) holders.check_all();
  }
  holders.drop_all();
  // Blocks that had not come home would have been replaced by new ones. One more than the slots can
  // be in use while a slot's new buffer replaces its old one; a page or two hold headers.
  for (std::size_t process = 0; process < 3; ++process) {
    EXPECT_LE(holders.memory(process), 19 * (80 + 320) * kibibyte + 64 * kibibyte);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, LendingAtRandom, ::testing::Range(0U, 4U));

TEST(Lending, HandlesThatLeadNowhereAreDecodeErrors) {
  PeerProcess owner;
  ASSERT_TRUE(attach_arena(1, owner.serve({.verb = Verb::introduce, .number = 1}).address));
  owner.serve({.verb = Verb::make, .size = mebibyte, .seed = 1});
  const auto handle = owner.serve({.verb = Verb::lend}).handle;
  EXPECT_THROW(borrow({7, handle.offset}, mebibyte), DecodeError) << "no such arena";
  EXPECT_THROW(borrow({1, handle.offset + 1}, mebibyte), DecodeError) << "between blocks";
  EXPECT_THROW(borrow({1, handle.offset + 16384}, mebibyte), DecodeError) << "inside a block";
  EXPECT_THROW(borrow({1, 0}, 1), DecodeError) << "the arena's own granules";
  EXPECT_THROW(borrow({1, 1UL << 60}, 1), DecodeError) << "past the end";
  EXPECT_THROW(borrow(handle, 2 * mebibyte), DecodeError) << "too small";
  EXPECT_THROW(give_back({7, handle.offset}), DecodeError);
  EXPECT_EQ(borrow(handle, mebibyte).size(), mebibyte);
  owner.serve({.verb = Verb::drop});
  EXPECT_THROW(borrow(handle, mebibyte), DecodeError) << "borrowed twice";
}

TEST(Lending, WhatIsNotInAnArenaIsNotLent) {
  set_own_number(0);
  EXPECT_EQ(lend(Buffer()), std::nullopt);
  EXPECT_EQ(lend(Buffer(1000)), std::nullopt);
  EXPECT_EQ(lend(Buffer::adopt(std::string(mebibyte, 'a'))), std::nullopt);
}

TEST(Lending, AnAddressWithoutAnArenaIsNotAttached) {
  PeerProcess other;
  auto address = other.serve({.verb = Verb::introduce, .number = 1}).address;
  ++address.token;
  EXPECT_FALSE(attach_arena(1, address)) << "another file";
  --address.token;
  address.fd = 0;
  EXPECT_FALSE(attach_arena(1, address)) << "not a file of this size";
  EXPECT_FALSE(attach_arena(1, ArenaAddress{})) << "no process";
}

// An arena of 8 MiB, because files may not be longer.
void allow_little() {
  const rlimit limit{8 * mebibyte, 8 * mebibyte};
  setrlimit(RLIMIT_FSIZE, &limit);
}

void allow_no_address_space() {
  const rlimit limit{1UL << 40, 1UL << 40};
  setrlimit(RLIMIT_AS, &limit);
}

TEST(Lending, BuffersThatTheArenaHasNoRoomForLieOnTheHeap) {
  PeerProcess other(allow_little);
  ASSERT_TRUE(other.serve({.verb = Verb::introduce, .number = 1}).ok);
  std::size_t lent = 0;
  for (std::size_t slot = 0; slot < 20; ++slot) {
    other.serve({.verb = Verb::make, .slot = slot, .size = mebibyte, .seed = slot});
    if (other.serve({.verb = Verb::lend, .slot = slot}).ok) ++lent;
  }
  for (std::size_t slot = 0; slot < 20; ++slot) {
    EXPECT_TRUE(
        other.serve({.verb = Verb::check, .slot = slot, .size = mebibyte, .seed = slot}).ok);
  }
  EXPECT_GE(lent, 5u);
  EXPECT_LE(lent, 7u) << "the rest of the 8 MiB holds headers";
}

#ifdef __SANITIZE_ADDRESS__
void read(const std::byte* byte) {
  static_cast<void>(*static_cast<const volatile unsigned char*>(static_cast<const void*>(byte)));
}

TEST(LendingDeathTest, TheAddressSanitizerSeesUseAfterFreeAndOverflowInTheArena) {
  Buffer buffer(mebibyte);
  const std::byte* bytes = buffer.data();
  read(bytes + mebibyte - 1);
  EXPECT_DEATH(read(bytes + mebibyte), "use-after-poison");
  buffer = Buffer();
  EXPECT_DEATH(read(bytes), "use-after-poison");
}
#endif

// Sanitizers need more address space themselves than this allows.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(Lending, WithoutAnArenaBuffersLieOnTheHeap) {
  PeerProcess other(allow_no_address_space);
  EXPECT_FALSE(other.serve({.verb = Verb::introduce, .number = 1}).ok);
  other.serve({.verb = Verb::make, .size = mebibyte, .seed = 1});
  EXPECT_TRUE(other.serve({.verb = Verb::check, .size = mebibyte, .seed = 1}).ok);
  EXPECT_FALSE(other.serve({.verb = Verb::lend}).ok);
}
#endif

// What a forked process does with inherited buffers is no business of its parent's.
TEST(Lending, AForkedProcessLeavesItsParentsBlocksAlone) {
  set_own_number(0);
  Buffer buffer(mebibyte);
  testing::fill(buffer, 1);
  const std::byte* place = buffer.data();
  const pid_t child = fork();
  if (child == 0) {
    const bool sees = testing::is_filled(buffer, 1) && lend(buffer) == std::nullopt;
    testing::fill(buffer, 2);
    const bool copied = buffer.data() != place && testing::is_filled(buffer, 2);
    _exit(sees && copied ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(testing::is_filled(buffer, 1));
  testing::fill(buffer, 3);
  EXPECT_EQ(buffer.data(), place) << "the child took no reference away and added none";
}

}  // namespace
}  // namespace sluice
