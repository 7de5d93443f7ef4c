#include "control/lineage.hpp"

#include <sluice/error.hpp>

#include <gtest/gtest.h>

#include <cstdint>

namespace sluice::control {
namespace {

TEST(Lineage, AnInputIsDoneWhenItIsAcknowledged) {
  Lineage lineage(2);
  EXPECT_EQ(lineage.done(), 0u);
  lineage.apply({1, -1});
  EXPECT_EQ(lineage.done(), 1u);
  lineage.apply({0, -1});
  EXPECT_EQ(lineage.done(), 2u);
  EXPECT_EQ(lineage.inputs(), 2u);
}

TEST(Lineage, ASplitInputIsDoneWithItsLastDescendant) {
  Lineage lineage(1);
  lineage.apply({0, 2});   // three
  lineage.apply({0, -1});  // one is filtered
  lineage.apply({0, 4});   // one becomes five
  for (int left = 6; left > 0; --left) {
    EXPECT_EQ(lineage.done(), 0u) << left;
    lineage.apply({0, -1});
  }
  EXPECT_EQ(lineage.done(), 1u);
}

TEST(Lineage, SeveralMayEndAtOnce) {
  Lineage lineage(1);
  lineage.apply({0, 9});
  lineage.apply({0, -10});
  EXPECT_EQ(lineage.done(), 1u);
}

TEST(Lineage, NoInputsAreDoneFromTheStart) {
  const Lineage lineage(0);
  EXPECT_EQ(lineage.done(), lineage.inputs());
}

TEST(Lineage, RefusesAnInputThatDoesNotExist) {
  Lineage lineage(2);
  EXPECT_THROW(lineage.apply({2, -1}), InvariantError);
}

TEST(Lineage, RefusesToCountAnInputDoneTwice) {
  Lineage lineage(1);
  EXPECT_THROW(lineage.apply({0, -2}), InvariantError);
  lineage.apply({0, -1});
  EXPECT_THROW(lineage.apply({0, -1}), InvariantError);
  EXPECT_THROW(lineage.apply({0, 1}), InvariantError) << "nor may it come back to life";
  EXPECT_EQ(lineage.done(), 1u);
}

TEST(Lineage, RefusesMoreDescendantsThanItCanCount) {
  Lineage lineage(1);
  lineage.apply({0, (std::int64_t{1} << 32) - 2});
  EXPECT_THROW(lineage.apply({0, 1}), InvariantError);
}

}  // namespace
}  // namespace sluice::control
