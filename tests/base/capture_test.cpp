#include "base/capture.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(Capture, GivesOutputAndExitCode) {
  const auto captured =
      capture({"sh", "-c", "echo \"$1\"; echo lost >&2; exit 3", "sh", "it's $1"});
  ASSERT_TRUE(captured);
  EXPECT_EQ(captured->out, "it's $1\n");
  EXPECT_EQ(captured->code, 3);
}

TEST(Capture, EndsWhatTakesTooLong) {
  const auto captured = capture({"sleep", "30"}, std::chrono::seconds(1));
  ASSERT_TRUE(captured);
  EXPECT_EQ(captured->code, 124);
}

TEST(Capture, OfAProgramThatIsNotThereIsNothing) { EXPECT_FALSE(capture({"no-such-program"})); }

}  // namespace
}  // namespace sluice
