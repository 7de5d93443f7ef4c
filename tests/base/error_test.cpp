#include <sluice/error.hpp>

#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

template <class E>
ExitCode code_of() {
  return E("what happened").code();
}

// Scripts rely on these numbers.
TEST(ExitCodes, AreThoseDocumented) {
  EXPECT_EQ(static_cast<int>(ExitCode::success), 0);
  EXPECT_EQ(static_cast<int>(code_of<InvariantError>()), 1);
  EXPECT_EQ(static_cast<int>(code_of<UsageError>()), 2);
  EXPECT_EQ(static_cast<int>(code_of<InputError>()), 3);
  EXPECT_EQ(static_cast<int>(code_of<PluginError>()), 4);
  EXPECT_EQ(static_cast<int>(code_of<LaunchError>()), 5);
  EXPECT_EQ(static_cast<int>(code_of<StageError>()), 6);
  EXPECT_EQ(static_cast<int>(code_of<DecodeError>()), 7);
  EXPECT_EQ(static_cast<int>(code_of<IoError>()), 8);
}

TEST(Errors, AreCaughtAsErrorWithMessageAndCode) {
  try {
    throw InputError("pages/*.png matches no file");
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "pages/*.png matches no file");
    EXPECT_EQ(error.code(), ExitCode::input);
  }
}

TEST(Errors, BrokenInvariantsAskForAReport) {
  EXPECT_EQ(std::string(InvariantError("a counter went negative").what()),
            "internal error (please report it): a counter went negative");
}

TEST(Errors, AStoppedRunKeepsTheCodeOfItsCause) {
  EXPECT_EQ(RunStopped(ExitCode::stage, "stage 'ocr' threw").code(), ExitCode::stage);
}

}  // namespace
}  // namespace sluice
