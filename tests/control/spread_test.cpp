#include "control/spread.hpp"

#include <gmock/gmock.h>

namespace sluice::control {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Spread, HasOneWorkerRankOfEachNode) {
  const Spread spread(1, {0, 0, 0, 1, 1, -1, 2});
  EXPECT_THAT(spread.leaders(), ElementsAre(1, 3, 6));
  EXPECT_EQ(spread.reader(), 1);
}

TEST(Spread, LeavesOutNodesOfTheCoordinatorAloneAndOfLostRanks) {
  const Spread spread(1, {0, -1, 2, 1});
  EXPECT_THAT(spread.leaders(), ElementsAre(2, 3));
}

TEST(Spread, LeadsEachArtifactThroughThoseThatLackIt) {
  Spread spread(3, {0, 0, 1, 2});
  EXPECT_FALSE(spread.lacks(3, {0, 1}));
  EXPECT_FALSE(spread.lacks(3, {0, 1})) << "said twice";
  EXPECT_FALSE(spread.lacks(1, {}));
  EXPECT_TRUE(spread.lacks(2, {0}));
  EXPECT_THAT(spread.chains(), ElementsAre(ElementsAre(1, 2, 3), ElementsAre(1, 3), IsEmpty()));
}

TEST(Spread, IsReadForTheReaderAlone) {
  Spread spread(1, {0, 0, 1});
  EXPECT_FALSE(spread.lacks(1, {0}));
  EXPECT_TRUE(spread.lacks(2, {}));
  EXPECT_THAT(spread.chains(), ElementsAre(ElementsAre(1)));
}

TEST(Spread, IsOverWhenAllAreDone) {
  Spread spread(1, {0, 0, 1, 2});
  EXPECT_FALSE(spread.placed(1));
  EXPECT_FALSE(spread.placed(1));
  EXPECT_FALSE(spread.placed(3));
  EXPECT_TRUE(spread.placed(2));
}

}  // namespace
}  // namespace sluice::control
