#include "job/job_file.hpp"
#include "job/stage_driver.hpp"
#include "job/stages/kinds.hpp"
#include "job/thrown.hpp"

#include <gmock/gmock.h>

namespace sluice::job {
namespace {

using ::testing::HasSubstr;

TEST(S3Settings, AreCheckedBeforeAnyServerIsAsked) {
  EXPECT_NO_THROW(StageDriver(s3_get_kind(), {}));
  EXPECT_NO_THROW(StageDriver(s3_put_kind(), {{"to", "s3://bucket"}}));
  EXPECT_THAT(thrown<UsageError>([] {
                StageDriver(s3_put_kind(), {{"to", "s3:///texts"}});
              }),
              HasSubstr("'s3:///texts' names no bucket"));
  EXPECT_THAT(thrown<UsageError>([] {
                StageDriver(s3_get_kind(), {{"root", "/pages"}});
              }),
              HasSubstr("'/pages' names no bucket"));
}

TEST(S3Settings, TheInputIsAUri) {
  const auto job = [](const std::string& input) {
    return parse_job("[input]\n" + input + "\n[[stage]]\nuse = \"s3.get\"\n", "job.toml", {});
  };
  const auto entry = job("s3 = \"s3://bucket/pages/\"").input;
  EXPECT_EQ(entry.source, InputEntry::Source::s3);
  EXPECT_EQ(entry.values, std::vector<std::string>{"s3://bucket/pages/"});
  EXPECT_THAT(thrown<UsageError>([&] { job("s3 = \"bucket/pages\""); }),
              HasSubstr("a URI, such as \"s3://bucket/prefix/\""));
}

}  // namespace
}  // namespace sluice::job
