#include "runtime/artifact_courier.hpp"
#include "transport/local.hpp"

#include <gtest/gtest.h>

namespace sluice::runtime {
namespace {

template <class Part>
bool came(transport::Transport& end) {
  auto message = end.receive();
  return message && std::holds_alternative<Part>(unpack(std::move(*message)));
}

// They come from different ranks, so either may be the first.
TEST(ArtifactCourier, KeepsAPieceThatComesBeforeTheWordOnTheWays) {
  const auto ranks = transport::make_local_ranks(4);
  ArtifactCourier courier(*ranks[2], {{"source", "dest"}}, [] {});
  ArtifactPart part;
  part.bytes = Buffer::adopt("piece");
  courier.on(std::move(part));
  EXPECT_FALSE(courier.step());
  courier.on(SpreadArtifacts{{{1, 2, 3}}});
  EXPECT_TRUE(courier.step());
  EXPECT_TRUE(came<ArtifactPart>(*ranks[3]));
  EXPECT_TRUE(came<ArtifactPartTaken>(*ranks[1]));
  EXPECT_FALSE(courier.step());
}

}  // namespace
}  // namespace sluice::runtime
