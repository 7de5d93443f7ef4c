// Buffers that three processes make, pass on and drop in a random order.
#include "record/node.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <utility>

namespace sluice {
namespace {

using testing::Answer;
using testing::Node;
using testing::Order;
using testing::Verb;

constexpr std::size_t kibibyte = 1UL << 10;

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

}  // namespace
}  // namespace sluice
