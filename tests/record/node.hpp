#pragma once

#include "record/holder.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace sluice::testing {

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

}  // namespace sluice::testing
