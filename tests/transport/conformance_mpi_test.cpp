#include <sluice/error.hpp>

#include <gtest/gtest.h>

#include <string>

#include "transport/conformance.hpp"
#include "transport/mpi.hpp"

namespace sluice::transport {
namespace {

using conformance::Case;

// Each test is a run of its own in the same process, begun and ended without the others' consent.
class MpiConformance : public testing::TestWithParam<Case> {};

TEST_P(MpiConformance, Holds) { GetParam().run(*make_mpi_rank()); }

// Large buffers and the bytes of some messages then travel in pieces.
TEST_P(MpiConformance, HoldsInPieces) { GetParam().run(*make_mpi_rank(100'000)); }

INSTANTIATE_TEST_SUITE_P(Ranks, MpiConformance, testing::ValuesIn(conformance::cases()),
                         [](const auto& each) { return std::string(each.param.name); });

// What a run leaves behind, half sent and never received, does not reach the next one.
TEST(MpiTransport, RunsDoNotMix) {
  for (int run = 0; run < 20; ++run) {
    const auto world = make_mpi_rank();
    const Rank right = (world->rank() + 1) % world->size();
    const std::string name = "run " + std::to_string(run);
    world->send({right, name, {conformance::pattern(100'000, 1)}});
    const Message message = conformance::next(*world);
    EXPECT_EQ(message.bytes, name);
    world->send({right, "left behind by " + name, {conformance::pattern(2'000'000, 2)}});
  }
}

TEST(MpiTransport, OneRunAtATime) {
  const auto world = make_mpi_rank();
  EXPECT_THROW(make_mpi_rank(), LaunchError);
  conformance::meet(*world);
}

TEST(MpiTransport, RefusesAnUnknownPeer) {
  const auto world = make_mpi_rank();
  EXPECT_THROW(world->send({world->size(), "", {}}), InvariantError);
  EXPECT_THROW(world->send({-1, "", {}}), InvariantError);
}

TEST(MpiTransport, TheLauncherSaysWhatMpiSays) {
  const auto world = make_mpi_rank();
  EXPECT_EQ(launcher_rank(), world->rank());
  EXPECT_EQ(launched_by_mpi(), world->size() > 1);
}

}  // namespace
}  // namespace sluice::transport
