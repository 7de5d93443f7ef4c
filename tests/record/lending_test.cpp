// Buffers that several processes hold. Each is forked from the test, and starts with an empty pool.
#include "record/lending.hpp"
#include "record/node.hpp"

#include <gtest/gtest.h>

#include <sys/resource.h>

#include <cstdlib>
#include <memory>
#include <vector>

namespace sluice {
namespace {

using testing::Answer;
using testing::Node;
using testing::Order;
using testing::PeerProcess;
using testing::Verb;

constexpr std::size_t kibibyte = 1UL << 10;
constexpr std::size_t mebibyte = 1UL << 20;

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

// In a process of its own, whose arena goes with it.
TEST(Lending, ASliceThatDoesNotBeginItsBlockIsNotLent) {
  EXPECT_EXIT(
      {
        const Buffer whole(mebibyte);
        set_own_number(0);
        const bool right = lend(whole) && lend(whole.slice(0, mebibyte / 2)) &&
                           !lend(whole.slice(mebibyte / 2, mebibyte / 2));
        std::exit(right ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

// Under the address sanitizer, a tail that was declared off limits would end the test.
TEST(Lending, BorrowingAPartLeavesTheWholeToItsHolder) {
  EXPECT_EXIT(
      {
        Buffer whole(mebibyte);
        testing::fill(whole, 1);
        set_own_number(0);
        const auto handle = lend(whole.slice(0, 10));
        const Buffer part = borrow(*handle, 10);
        std::exit(part.size() == 10 && testing::is_filled(whole, 1) ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
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
