#include "transport/envelope.hpp"

#include <sluice/error.hpp>

#include <gtest/gtest.h>

namespace sluice::transport {
namespace {

TEST(Envelope, GivesBackBytesAndSeal) {
  const std::vector<Seal> seals = {{0, 0, 1, false, {}},
                                   {7, 12, 1U << 30, false, {{0, {}}, {5, {3, 4096}}}},
                                   {1U << 31, 1U << 31, 10, true, {{1ULL << 40, {}}}}};
  for (const Seal& seal : seals) {
    for (const auto& body : {std::string(), std::string(1, '\0'), std::string(5000, 'x')}) {
      std::string bytes = body;
      close_envelope(bytes, seal);
      EXPECT_EQ(open_envelope(bytes), seal);
      EXPECT_EQ(bytes, body);
    }
  }
}

TEST(Envelope, ATornOneIsAnError) {
  std::string whole;
  close_envelope(whole, {3, 5, 100, false, {{10, {}}, {20, {1, 64}}}});
  std::string empty;
  EXPECT_THROW(open_envelope(empty), InvariantError);
  for (std::size_t cut = 1; cut < whole.size(); ++cut) {
    // The seal is at the end: what lost its beginning claims more buffers than there is room for.
    std::string torn = whole.substr(cut);
    EXPECT_THROW(open_envelope(torn), InvariantError) << cut;
  }
}

}  // namespace
}  // namespace sluice::transport
