// A real server over TLS, whose certificate no authority of this machine signed.
#include "s3/test.hpp"
#include "store/batches.hpp"
#include "store/object_store.hpp"

#include <sluice/error.hpp>

#include <gmock/gmock.h>

#include <chrono>

namespace sluice::store {
namespace {

using ::testing::HasSubstr;

class Tls : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = s3::Server::missing(); !why.empty()) GTEST_SKIP() << why;
    config_ = s3::Server::over_tls().config();
  }
  /// Why an object cannot be had.
  std::string complaint() const {
    try {
      s3_client(config_)->get({"is-up", "object"});
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  }

  S3Config config_;
  ScratchFolder folder_;
};

TEST_F(Tls, ObjectsComeAndGo) {
  const auto bucket = s3::Server::over_tls().new_bucket();
  const auto store = s3_client(config_);
  store->put({bucket, "small"}, "a few bytes");
  EXPECT_EQ(store->get({bucket, "small"}).view(), "a few bytes");
  std::mt19937_64 random(1);
  const auto large = random_bytes(random, 20 << 20);
  write_text(folder_ / "large", large);
  store->upload({bucket, "large"}, folder_ / "large");
  store->download({bucket, "large"}, folder_ / "copy");
  EXPECT_EQ(read_text(folder_ / "copy"), large);
}

TEST_F(Tls, AServerThatNoAuthorityVouchesForIsRefusedAtOnce) {
  s3::make_certificate(folder_.path());
  for (const auto& bundle : {std::string(), (folder_ / "cert.pem").string()}) {
    config_.ca_bundle = bundle;
    const auto since = std::chrono::steady_clock::now();
    const auto said = complaint();
    EXPECT_THAT(said, HasSubstr("certificate"));
    EXPECT_THAT(said, HasSubstr("AWS_CA_BUNDLE"));
    EXPECT_THAT(said, HasSubstr(config_.endpoint));
    EXPECT_THAT(said, HasSubstr("attempts: 1"));
    EXPECT_LT(std::chrono::steady_clock::now() - since, config_.retry_for);
  }
}

TEST_F(Tls, ABundleThatIsNotThereIsNamed) {
  config_.ca_bundle = (folder_ / "nothing.pem").string();
  const auto said = complaint();
  EXPECT_THAT(said, HasSubstr("nothing.pem"));
  EXPECT_THAT(said, HasSubstr("attempts: 1"));
}

TEST_F(Tls, AServerThatSpeaksItNotIsRefused) {
  config_.endpoint = "https" + s3::Server::instance().config().endpoint.substr(4);
  config_.retry_for = std::chrono::milliseconds(300);
  EXPECT_THAT(complaint(), HasSubstr("check that the server runs, and AWS_ENDPOINT_URL"));
}

}  // namespace
}  // namespace sluice::store
