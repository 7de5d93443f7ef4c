#include "base/remarks.hpp"

#include <sluice/remark.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Remarks, AreTakenOnceEach) {
  Remarks remarks;
  remark("a");
  remark("b");
  remark("a");
  EXPECT_THAT(remarks.take(), ElementsAre("a", "b"));
  remark("b");
  EXPECT_THAT(remarks.take(), IsEmpty());
}

TEST(Remarks, HaveABoundThatIsSaid) {
  Remarks remarks;
  for (int i = 0; i < 1000; ++i) remark("record " + std::to_string(i));
  const auto taken = remarks.take();
  ASSERT_EQ(taken.size(), Remarks::most + 1);
  EXPECT_THAT(taken.back(), HasSubstr("see the logs"));
  remark("later");
  EXPECT_THAT(remarks.take(), IsEmpty());
}

TEST(Remarks, ThatAreSaidAtOnceAreSaidOnceToo) {
  const Remarks remarks(Remarks::Say::at_once);
  ::testing::internal::CaptureStderr();
  for (int i = 0; i < 3; ++i) remark("again");
  const auto said = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, HasSubstr("again"));
  EXPECT_EQ(said.find("again"), said.rfind("again")) << said;
}

}  // namespace
}  // namespace sluice
