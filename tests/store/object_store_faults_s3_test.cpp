#include "s3/proxy.hpp"
#include "s3/test.hpp"
#include "store/batches.hpp"
#include "store/object_store.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <chrono>
#include <thread>

// A real server behind a network that fails.
namespace sluice::store {
namespace {

using ::testing::HasSubstr;

class Faults : public s3::Test {
 protected:
  void SetUp() override {
    s3::Test::SetUp();
    if (IsSkipped()) return;
    proxy_ = std::make_unique<s3::Proxy>(s3::Server::instance().port());
    store_ = s3_client(through_proxy());
  }
  S3Config through_proxy() const {
    auto through = config();
    through.endpoint = proxy_->endpoint();
    return through;
  }
  ObjectName at(const std::string& key) const { return {bucket_, key}; }

  std::unique_ptr<s3::Proxy> proxy_;
  std::unique_ptr<ObjectStore> store_;
};

TEST_F(Faults, AServerThatIsDownAndComesBackIsSurvived) {
  auto patient = through_proxy();
  patient.retry_for = std::chrono::seconds(60);
  const auto client = s3_client(patient);
  client->put(at("before"), "1");
  proxy_->go_down();
  std::thread later([this] {
    std::this_thread::sleep_for(std::chrono::seconds(10));
    proxy_->come_back();
  });
  std::vector<ObjectStore::Upload> uploads;
  for (int i = 0; i < 50; ++i) uploads.push_back({at(fmt::format("during/{}", i)), "2"});
  for (const auto& fault : client->store(uploads)) EXPECT_EQ(fault, "");
  later.join();
  EXPECT_EQ(client->list(at("during/")).size(), 50u);
  EXPECT_EQ(client->get(at("before")).view(), "1");
}

TEST_F(Faults, AServerThatStaysDownIsNamed) {
  proxy_->go_down();
  auto hasty = through_proxy();
  hasty.retry_for = std::chrono::seconds(1);
  try {
    s3_client(hasty)->put(at("key"), "x");
    FAIL();
  } catch (const IoError& error) {
    EXPECT_THAT(error.what(), HasSubstr("cannot put 's3://" + bucket_ + "/key' at " +
                                        proxy_->endpoint() + ": Failed to connect"));
    EXPECT_THAT(error.what(), HasSubstr("); check that the server runs, and "
                                        "AWS_ENDPOINT_URL"));
  }
}

TEST_F(Faults, WhatNoLaterAttemptCanMendIsGivenUpAtOnce) {
  auto distrustful = through_proxy();
  distrustful.endpoint.replace(0, 4, "https");
  distrustful.ca_bundle = "/no/such/authorities.pem";
  try {
    s3_client(distrustful)->put(at("key"), "x");
    FAIL();
  } catch (const IoError& error) {
    EXPECT_THAT(error.what(), HasSubstr("/no/such/authorities.pem"));
    EXPECT_THAT(error.what(), HasSubstr("(attempts: 1)"));
    EXPECT_THAT(error.what(), HasSubstr("AWS_CA_BUNDLE"));
  }
}

TEST_F(Faults, CutAnswersAreAskedForAgain) {
  std::mt19937_64 random(1);
  const auto bytes = random_bytes(random, 1'000'000);
  store_->put(at("object"), bytes);
  for (const std::size_t cut : {1U, 20U, 100U, 200'000U, 999'999U}) {
    proxy_->go_down();
    proxy_->come_back();
    proxy_->cut_answers(2, cut);
    const auto before = proxy_->accepted();
    EXPECT_TRUE(store_->get(at("object")).view() == bytes) << cut;
    EXPECT_EQ(proxy_->accepted(), before + 3);
  }
}

TEST_F(Faults, AnswersThatGetLostDoNotChangeWhatAPutMeans) {
  proxy_->cut_answers(1, 0);
  EXPECT_TRUE(store_->put_if_absent(at("mine"), "content"));
  EXPECT_EQ(store_->get(at("mine")).view(), "content");
  proxy_->go_down();
  proxy_->come_back();
  proxy_->cut_answers(1, 1);
  EXPECT_FALSE(store_->put_if_absent(at("mine"), "other"));
  EXPECT_EQ(store_->get(at("mine")).view(), "content");
}

TEST_F(Faults, AServerThatHearsAndSaysNothingIsGivenUpAndAskedAgain) {
  auto impatient = through_proxy();
  impatient.stall_timeout = std::chrono::seconds(1);
  proxy_->ignore(1);
  const auto client = s3_client(impatient);
  client->put(at("object"), "x");
  EXPECT_EQ(client->get(at("object")).view(), "x");
}

TEST_F(Faults, UploadsInPartsSurviveCutConnections) {
  auto parted = through_proxy();
  parted.part_bytes = 5 << 20;
  const auto client = s3_client(parted);
  const ScratchFolder folder;
  std::mt19937_64 random(1);
  const auto bytes = random_bytes(random, 22 << 20);
  write_text(folder / "up", bytes);
  proxy_->cut_answers(4, 50);
  client->upload(at("large"), folder / "up");
  proxy_->go_down();
  proxy_->come_back();
  proxy_->cut_answers(4, 3 << 20);
  client->download(at("large"), folder / "down");
  EXPECT_TRUE(read_text(folder / "down") == bytes);
}

TEST_F(Faults, AnUploadThatFailsLeavesNoObject) {
  auto parted = through_proxy();
  parted.part_bytes = 5 << 20;
  parted.retry_for = std::chrono::milliseconds(1);
  const auto client = s3_client(parted);
  const ScratchFolder folder;
  write_text(folder / "up", std::string(22 << 20, 'x'));
  proxy_->cut_answers(3, 600);  // the upload is begun, and then fails
  EXPECT_THROW(client->upload(at("large"), folder / "up"), IoError);
  EXPECT_EQ(s3_client(config())->size_of(at("large")), std::nullopt);
}

}  // namespace
}  // namespace sluice::store
