#include "control/intake.hpp"

#include "control/random.hpp"

#include <sluice/error.hpp>

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace sluice::control {
namespace {

using Ticket = Intake::Ticket;

std::vector<Ticket> taken_in(Intake& intake) {
  std::vector<Ticket> tickets;
  for (Ticket ticket = 0; intake.next(ticket);) tickets.push_back(ticket);
  return tickets;
}

using Tickets = std::vector<Ticket>;

TEST(Intake, LetsInAsManyAsItsDepth) {
  Intake intake(2);
  for (const Ticket ticket : {1, 2, 3}) intake.add(ticket);
  EXPECT_EQ(taken_in(intake), (Tickets{1, 2}));
  EXPECT_TRUE(intake.answered(2));
  intake.finished(2);
  EXPECT_EQ(taken_in(intake), (Tickets{3}));
  EXPECT_THROW(intake.answered(2), InvariantError);
}

TEST(Intake, WhatFailedGoesInBeforeWhatIsNew) {
  Intake intake(2);
  for (const Ticket ticket : {1, 2, 3}) intake.add(ticket);
  taken_in(intake);
  intake.answered(1);
  intake.again(1);
  EXPECT_EQ(taken_in(intake), (Tickets{1}));
}

TEST(Intake, WhatWasLostGoesInAlone) {
  Intake intake(3);
  for (const Ticket ticket : {1, 2, 3}) intake.add(ticket);
  taken_in(intake);
  for (const Ticket ticket : {1, 2}) {
    intake.answered(ticket);
    EXPECT_TRUE(intake.lost(ticket, false));
  }
  intake.add(4);
  EXPECT_EQ(taken_in(intake), Tickets{});  // 3 is inside
  intake.answered(3);
  intake.finished(3);
  EXPECT_EQ(taken_in(intake).size(), 1u);
  EXPECT_EQ(taken_in(intake), Tickets{});
}

TEST(Intake, WhatIsLostAloneHasFailed) {
  Intake intake(3);
  intake.add(1);
  taken_in(intake);
  intake.answered(1);
  EXPECT_TRUE(intake.lost(1, false));
  taken_in(intake);
  intake.answered(1);
  EXPECT_FALSE(intake.lost(1, false));
  intake.again(1);  // its next attempt is alone again, and so is its first death then
  intake.add(2);
  EXPECT_EQ(taken_in(intake), (Tickets{1}));
  intake.answered(1);
  EXPECT_FALSE(intake.lost(1, false));
}

TEST(Intake, AKillBlamesNobodyUntilThereAreMany) {
  Intake intake(2);
  for (const Ticket ticket : {1, 2}) intake.add(ticket);
  for (int kill = 1; kill < Intake::most_kills; ++kill) {
    ASSERT_EQ(taken_in(intake).size(), 2u);
    for (const Ticket ticket : {1, 2}) {
      intake.answered(ticket);
      ASSERT_TRUE(intake.lost(ticket, true)) << kill;
    }
  }
  // Both have been killed often enough to go in alone.
  taken_in(intake);
  for (const Ticket ticket : {1, 2}) {
    intake.answered(ticket);
    ASSERT_TRUE(intake.lost(ticket, true));
  }
  const auto alone = taken_in(intake);
  ASSERT_EQ(alone.size(), 1u);
  for (int kill = 1; kill < Intake::most_kills; ++kill) {
    intake.answered(alone[0]);
    ASSERT_TRUE(intake.lost(alone[0], true)) << kill;
    ASSERT_EQ(taken_in(intake), alone);
  }
  intake.answered(alone[0]);
  EXPECT_FALSE(intake.lost(alone[0], true));
}

TEST(Intake, WhatIsAbandonedCountsUntilItIsAnswered) {
  Intake intake(2);
  for (const Ticket ticket : {1, 2, 3}) intake.add(ticket);
  taken_in(intake);
  intake.abandon();
  intake.add(4);
  EXPECT_EQ(taken_in(intake), Tickets{});
  EXPECT_FALSE(intake.answered(1));
  EXPECT_EQ(taken_in(intake), (Tickets{4}));
}

// A stage that dies whenever a poison batch is in it, and now and then is killed.
TEST(Intake, PoisonIsFoundWithinABoundWhateverTheOthersDo) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    world::Random random(seed);
    const auto depth = static_cast<std::size_t>(random.between(1, 8));
    const auto batches = random.between(1, 40);
    Intake intake(depth);
    std::map<Ticket, std::pair<bool, int>> runs;  // poison, times inside without a kill
    for (Ticket ticket = 1; ticket <= batches; ++ticket) {
      runs[ticket] = {random.chance(0.2), 0};
      intake.add(ticket);
    }
    std::map<Ticket, bool> inside;
    std::uint64_t done = 0;
    while (done < batches) {
      for (const auto ticket : taken_in(intake)) inside[ticket] = true;
      ASSERT_LE(inside.size(), depth);
      ASSERT_FALSE(inside.empty()) << "nothing goes in, seed " << seed;
      const bool killed = random.chance(0.05);
      bool dies = killed;
      for (const auto& [ticket, _] : inside) dies = dies || runs[ticket].first;
      const auto lost = std::exchange(inside, {});
      for (const auto& [ticket, _] : lost) {
        intake.answered(ticket);
        if (!killed) ++runs[ticket].second;
        if (dies && intake.lost(ticket, killed)) continue;
        ASSERT_EQ(dies, runs[ticket].first) << "seed " << seed;  // nobody else is blamed
        ASSERT_LE(runs[ticket].second, 2) << "seed " << seed;
        intake.finished(ticket);
        ++done;
      }
    }
  }
}

}  // namespace
}  // namespace sluice::control
