#include "store/s3_config.hpp"
#include "store/aws_profiles.hpp"
#include "store/backoff.hpp"
#include "store/s3_response.hpp"
#include "store/scratch_folder.hpp"

#include <sluice/error.hpp>

#include <gmock/gmock.h>

#include <map>

namespace sluice::store {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Variables = std::map<std::string, std::string>;

Environment environment(Variables variables) {
  return [variables = std::move(variables)](const std::string& name) {
    const auto it = variables.find(name);
    return it == variables.end() ? std::string() : it->second;
  };
}

std::string refusal(Variables variables) {
  try {
    find_s3_config(environment(std::move(variables)));
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(S3Attempts, AreLimitedIfAnyoneSaysSo) {
  const auto attempts = [](const std::string& text) {
    Variables variables{{"AWS_ACCESS_KEY_ID", "id"}, {"AWS_SECRET_ACCESS_KEY", "secret"}};
    variables["AWS_MAX_ATTEMPTS"] = text;
    return find_s3_config(environment(variables)).most_attempts;
  };
  EXPECT_EQ(attempts(""), 0u);
  EXPECT_EQ(attempts("7"), 7u);
  for (const auto* text : {"0", "-1", "many", "7 "}) EXPECT_THROW(attempts(text), UsageError);
}

class Home : public ::testing::Test {
 protected:
  Home() {
    std::filesystem::create_directory(folder_ / ".aws");
    write_text(folder_ / ".aws/credentials",
               "# mine\n[default]\naws_access_key_id = AKIDDEFAULT\naws_secret_access_key=s=1+/\n\n"
               "[work]\r\naws_access_key_id=AKIDWORK\r\naws_secret_access_key = s2\r\n"
               "aws_session_token = " +
                   std::string(900, 't') + "\n");
    write_text(folder_ / ".aws/config",
               "[default]\nregion = eu-central-1\n[profile work]\nregion = eu-west-2\n"
               "endpoint_url = http://work:9000/\ns3 =\n  endpoint_url = http://nested\n"
               "[profile only-here]\naws_access_key_id = AKIDHERE\naws_secret_access_key = s3\n");
  }
  Variables with(Variables variables = {}) const {
    variables.emplace("HOME", folder_.path().string());
    return variables;
  }
  S3Config find(Variables variables = {}) const {
    return find_s3_config(environment(with(std::move(variables))));
  }

  ScratchFolder folder_;
};

TEST_F(Home, TheDefaultProfileServes) {
  const auto config = find();
  EXPECT_EQ(config.credentials.access_key, "AKIDDEFAULT");
  EXPECT_EQ(config.credentials.secret_key, "s=1+/");
  EXPECT_EQ(config.credentials.session_token, "");
  EXPECT_EQ(config.region, "eu-central-1");
  EXPECT_EQ(config.endpoint, "https://s3.eu-central-1.amazonaws.com");
}

TEST_F(Home, AnotherProfileMayBeNamed) {
  const auto config = find({{"AWS_PROFILE", "work"}});
  EXPECT_EQ(config.credentials.access_key, "AKIDWORK");
  EXPECT_EQ(config.credentials.session_token, std::string(900, 't'));
  EXPECT_EQ(config.region, "eu-west-2");
  EXPECT_EQ(config.endpoint, "http://work:9000");
  EXPECT_THAT(config.credentials.origin, HasSubstr("profile 'work' in '"));
  EXPECT_EQ(find({{"AWS_PROFILE", "only-here"}}).credentials.secret_key, "s3");
}

TEST_F(Home, TheEnvironmentGoesFirst) {
  const auto config = find({{"AWS_ACCESS_KEY_ID", "AKIDENV"},
                            {"AWS_SECRET_ACCESS_KEY", "senv"},
                            {"AWS_SESSION_TOKEN", "token"},
                            {"AWS_ENDPOINT_URL", "http://any:1"},
                            {"AWS_ENDPOINT_URL_S3", "http://s3:2//"},
                            {"AWS_DEFAULT_REGION", "d"},
                            {"AWS_REGION", "r"},
                            {"AWS_CA_BUNDLE", "/ca.pem"}});
  EXPECT_EQ(config.credentials.access_key, "AKIDENV");
  EXPECT_EQ(config.credentials.session_token, "token");
  EXPECT_EQ(config.endpoint, "http://s3:2");
  EXPECT_EQ(config.region, "r");
  EXPECT_EQ(config.ca_bundle, "/ca.pem");
  EXPECT_EQ(find({{"AWS_ACCESS_KEY_ID", "half"}}).credentials.access_key, "AKIDDEFAULT");
  EXPECT_EQ(find({{"AWS_ENDPOINT_URL", "http://any:1"}}).endpoint, "http://any:1");
}

TEST_F(Home, OtherFilesMayBeNamed) {
  write_text(folder_ / "other", "[default]\naws_access_key_id=O\naws_secret_access_key=P\n");
  const auto other = (folder_ / "other").string();
  EXPECT_EQ(find({{"AWS_SHARED_CREDENTIALS_FILE", other}}).credentials.access_key, "O");
  EXPECT_EQ(find({{"AWS_CONFIG_FILE", other}}).region, "us-east-1");
}

TEST_F(Home, WithoutCredentialsItSaysWhereTheyWouldBe) {
  EXPECT_EQ(refusal(with({{"AWS_PROFILE", "none"}})),
            "no credentials for object storage: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "or write aws_access_key_id and aws_secret_access_key into the section [none] of '" +
                (folder_ / ".aws/credentials").string() +
                "' (AWS_PROFILE names another section, AWS_SHARED_CREDENTIALS_FILE another file)");
}

TEST_F(Home, EndpointsAreChecked) {
  EXPECT_THAT(refusal(with({{"AWS_ENDPOINT_URL", "localhost:9000"}})),
              HasSubstr("'localhost:9000'; it must begin with http:// or https://"));
  const auto text = refusal(with({{"AWS_ENDPOINT_URL", "http://me:hidden@host"}}));
  EXPECT_THAT(text, HasSubstr("holds an '@'"));
  EXPECT_THAT(text, Not(HasSubstr("hidden")));
}

TEST(S3Failures, NothingSecretIsRepeatedWhateverTheServerSays) {
  S3Config config;
  config.credentials = {"AKIDPUBLIC", "the-secret", "the-token", "here"};
  HttpResponse response;
  response.status = 400;
  response.body = Buffer::copy_of(
      "<Error><Code>the-secret</Code><Message>AKIDPUBLIC\nthe-token</Message></Error>");
  const auto text = explain_failure("get", {"bucket", "key"}, config, response);
  EXPECT_THAT(text, HasSubstr("400 ***: *** ***"));
}

TEST(S3Listing, SaysWhichVersionEachObjectIs) {
  const auto page = parse_listing(
      "<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>a%20b</Key>"
      "<ETag>&quot;6f&quot;</ETag><Size>5</Size></Contents></ListBucketResult>");
  ASSERT_EQ(page.objects.size(), 1U);
  EXPECT_EQ(page.objects[0].key, "a b");
  EXPECT_EQ(page.objects[0].size, 5U);
  EXPECT_EQ(page.objects[0].etag, "\"6f\"");
}

TEST(S3Failures, WhatIsNoXmlIsNoError) {
  EXPECT_EQ(parse_s3_error("").code, "");
  EXPECT_EQ(parse_s3_error("<html>").code, "");
  EXPECT_THROW(parse_listing("<html></html>"), InputError);
}

TEST(Backoff, PausesAreRandomBelowALimitThatDoubles) {
  std::mt19937_64 random(1);
  for (unsigned failures = 1; failures < 20; ++failures) {
    const auto limit = std::min(100 << std::min(failures - 1, 10U), 5000);
    std::int64_t least = limit;
    std::int64_t most = 0;
    for (int i = 0; i < 1000; ++i) {
      const auto pause = backoff(failures, random).count();
      least = std::min(least, pause);
      most = std::max(most, pause);
    }
    EXPECT_LT(least, limit / 20);
    EXPECT_GT(most, limit * 19 / 20);
    EXPECT_LE(most, limit);
  }
}

}  // namespace
}  // namespace sluice::store
