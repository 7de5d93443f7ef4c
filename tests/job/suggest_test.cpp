#include "job/suggest.hpp"

#include <gtest/gtest.h>

namespace sluice::job {
namespace {

const std::vector<std::string> keys{"name",  "use",     "batch_size", "batch_wait",
                                    "speed", "workers", "slots",      "workers_per_node"};

TEST(Suggest, FindsSlipsOfTheKeyboard) {
  EXPECT_EQ(nearest("batchsize", keys), "batch_size");
  EXPECT_EQ(nearest("bacth_size", keys), "batch_size");
  EXPECT_EQ(nearest("batch_siz", keys), "batch_size");
  EXPECT_EQ(nearest("batch_weight", keys), "batch_wait");
  EXPECT_EQ(nearest("worker", keys), "workers");
  EXPECT_EQ(nearest("usw", keys), "use");
  EXPECT_EQ(nearest("nmae", keys), "name");
}

TEST(Suggest, SaysNothingWhenNoneIsNear) {
  EXPECT_EQ(nearest("path", keys), "");
  EXPECT_EQ(nearest("x", keys), "");
  EXPECT_EQ(nearest("colour", keys), "");
  EXPECT_EQ(did_you_mean("colour", keys), "; ");
  EXPECT_EQ(did_you_mean("sped", keys), "; did you mean 'speed'? ");
}

}  // namespace
}  // namespace sluice::job
