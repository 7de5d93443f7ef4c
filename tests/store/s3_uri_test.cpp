#include "store/s3_uri.hpp"

#include <sluice/error.hpp>

#include <gtest/gtest.h>

#include <string>

namespace sluice::store {
namespace {

TEST(S3Uri, NamesABucketAndAKey) {
  EXPECT_EQ(parse_s3_uri("s3://bucket/a/b c%20"), (ObjectName{"bucket", "a/b c%20"}));
  EXPECT_EQ(parse_s3_uri("bucket/a"), (ObjectName{"bucket", "a"}));
  EXPECT_EQ(parse_s3_uri("s3://bucket"), (ObjectName{"bucket", ""}));
  EXPECT_EQ(parse_s3_uri("s3://bucket//a"), (ObjectName{"bucket", "/a"}));
  EXPECT_THROW(parse_s3_uri("s3:///a"), UsageError);
  EXPECT_THROW(parse_s3_uri(""), UsageError);
  EXPECT_EQ(s3_uri({"bucket", "a/b"}), "s3://bucket/a/b");
}

TEST(PercentEncoding, KeepsWhatIsPlain) {
  EXPECT_EQ(percent_encode("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(percent_encode("a b+c/d"), "a%20b%2Bc%2Fd");
  EXPECT_EQ(percent_encode("a/b", "/"), "a/b");
  EXPECT_EQ(percent_encode("\xc3\xbc"), "%C3%BC");
}

TEST(PercentEncoding, IsUndone) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(percent_decode(percent_encode(all)), all);
  EXPECT_EQ(percent_decode("a+b%2"), "a b%2");
  EXPECT_EQ(percent_decode("%"), "%");
  EXPECT_EQ(percent_decode("%zz%4"), "%zz%4");
}

}  // namespace
}  // namespace sluice::store
