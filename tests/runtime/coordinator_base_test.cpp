#include "runtime/coordinator.hpp"
#include "transport/local.hpp"

#include <sluice/error.hpp>

#include <gtest/gtest.h>

#include <chrono>

namespace sluice::runtime {
namespace {

// A rank may leave at once when it has said that it stops, and is then seen to be dead.
TEST(CoordinatorBase, CountsARankThatStopsAndIsGoneOnce) {
  const auto ranks = transport::make_local_ranks(4);
  Coordinator coordinator(*ranks[0]);
  EXPECT_THROW(coordinator.run([]() -> ErasedSpec { throw UsageError("no spec"); }), Error);
  constexpr std::chrono::milliseconds longest{50};
  EXPECT_FALSE(coordinator.all_stopped_within(longest));
  ranks[1]->send(pack(control::coordinator, Bye{}));
  EXPECT_FALSE(coordinator.all_stopped_within(longest));
  transport::kill_local_rank(*ranks[1]);
  EXPECT_FALSE(coordinator.all_stopped_within(longest));
  ranks[2]->send(pack(control::coordinator, Bye{}));
  EXPECT_FALSE(coordinator.all_stopped_within(longest));
  ranks[3]->send(pack(control::coordinator, Bye{}));
  EXPECT_TRUE(coordinator.all_stopped_within(longest));
}

}  // namespace
}  // namespace sluice::runtime
