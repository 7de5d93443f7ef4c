#include "s3/test.hpp"
#include "store/batches.hpp"
#include "store/object_store.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace sluice::store {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class Objects : public s3::Test {
 protected:
  void SetUp() override {
    s3::Test::SetUp();
    if (!IsSkipped()) store_ = s3_client(config());
  }
  ObjectName at(const std::string& key) const { return {bucket_, key}; }
  std::vector<std::string> keys(const std::string& prefix) const {
    std::vector<std::string> keys;
    for (const auto& object : store_->list(at(prefix))) keys.push_back(object.key);
    return keys;
  }

  std::unique_ptr<ObjectStore> store_;
};

TEST_F(Objects, ComeBackAsTheyWerePut) {
  std::mt19937_64 random(1);
  for (const std::size_t size : {0UL, 1UL, 1000UL, 3'000'000UL}) {
    const auto bytes = random_bytes(random, size);
    store_->put(at("object"), bytes);
    EXPECT_TRUE(store_->get(at("object")).view() == bytes) << size;
    EXPECT_EQ(store_->size_of(at("object")), size);
  }
  EXPECT_EQ(store_->size_of(at("no object")), std::nullopt);
}

TEST_F(Objects, AnyKeyWorks) {
  const std::vector<std::string> odd{
      "a space",        "a+plus",           "a%percent",    "a%20b",
      "größe/日本.png", "a=b&c=d",          "user@host:80", "what?#now",
      "it's (fine)!*~", "semi;colon,comma", "a/b/c.d",      "{[<\">]}"};
  for (const auto& key : odd) {
    store_->put(at(key), key);
    EXPECT_EQ(store_->get(at(key)).view(), key);
    EXPECT_THAT(keys(key), ::testing::ElementsAre(key));
  }
  EXPECT_EQ(keys("").size(), odd.size());
  for (const auto& key : odd) store_->remove(std::vector{at(key)});
  EXPECT_THAT(keys(""), IsEmpty());
}

TEST_F(Objects, RangesAreCutWhereTheObjectEnds) {
  store_->put(at("object"), "0123456789");
  EXPECT_EQ(store_->get_range(at("object"), 0, 3).view(), "012");
  EXPECT_EQ(store_->get_range(at("object"), 4, 3).view(), "456");
  EXPECT_EQ(store_->get_range(at("object"), 8, 100).view(), "89");
  EXPECT_EQ(store_->get_range(at("object"), 8, ObjectStore::everything).view(), "89");
  EXPECT_TRUE(store_->get_range(at("object"), 10, 100).empty());
  EXPECT_TRUE(store_->get_range(at("object"), 3, 0).empty());
}

TEST_F(Objects, ManyAreFetchedAtOnceAndMissingOnesNamed) {
  std::vector<ObjectStore::Upload> uploads;
  std::vector<std::string> texts(200);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    texts[i] = fmt::format("text {}", i);
    uploads.push_back({at(fmt::format("many/{}", i)), texts[i]});
  }
  for (const auto& fault : store_->store(uploads)) EXPECT_EQ(fault, "");
  std::vector<ObjectName> names;
  for (const auto& upload : uploads) names.push_back(upload.name);
  names[77].key = "many/missing";
  const auto found = store_->fetch(names);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i == 77) continue;
    EXPECT_EQ(found[i].fault, "");
    EXPECT_EQ(found[i].bytes.view(), texts[i]);
  }
  EXPECT_TRUE(found[77].missing);
  EXPECT_THAT(found[77].fault, HasSubstr("'s3://" + bucket_ + "/many/missing'"));
  EXPECT_THAT(found[77].fault, HasSubstr("there is no such object"));
  const auto heads = store_->fetch(names, 3);
  EXPECT_EQ(heads[5].bytes.view(), "tex");
}

TEST_F(Objects, ListingsHaveAsManyPagesAsTheyNeed) {
  auto paged = config();
  paged.list_page = 7;
  const auto client = s3_client(paged);
  for (int i = 0; i < 30; ++i) client->put(at(fmt::format("p/{:02}", i)), std::string(i, 'x'));
  client->put(at("q"), "");
  const auto all = client->list(at("p/"));
  ASSERT_EQ(all.size(), 30u);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].key, fmt::format("p/{:02}", i));
    EXPECT_EQ(all[i].size, i);
  }
  EXPECT_EQ(client->list(at("p/"), 9).size(), 9u);
  EXPECT_THAT(client->list(at("nothing/")), IsEmpty());
}

TEST_F(Objects, OnlyTheFirstPutIfAbsentCounts) {
  EXPECT_TRUE(store_->put_if_absent(at("once"), "first"));
  EXPECT_FALSE(store_->put_if_absent(at("once"), "second"));
  EXPECT_EQ(store_->get(at("once")).view(), "first");
}

TEST_F(Objects, LargeFilesTravelInParts) {
  auto parted = config();
  parted.part_bytes = 5 << 20;  // S3 allows no smaller ones
  const auto client = s3_client(parted);
  const ScratchFolder folder;
  std::mt19937_64 random(1);
  for (const std::size_t size : {0UL, 1000UL, (10UL << 20) + 1, 15UL << 20, (23UL << 20) + 17}) {
    const auto bytes = random_bytes(random, size);
    write_text(folder / "up", bytes);
    client->upload(at("large"), folder / "up");
    EXPECT_EQ(client->size_of(at("large")), size);
    client->download(at("large"), folder / "down");
    EXPECT_TRUE(read_text(folder / "down") == bytes) << size;
  }
}

template <class E, class Body>
std::string complaint(Body body) {
  try {
    body();
  } catch (const E& error) {
    return error.what();
  }
  return "no error";
}

TEST_F(Objects, AMissingBucketIsNamed) {
  const ObjectName nowhere{"no-such-bucket", "key"};
  const ScratchFolder folder;
  write_text(folder / "file", std::string(20 << 20, 'x'));
  const std::vector<std::string> complaints{
      complaint<InputError>([&] { store_->get(nowhere); }),
      complaint<InputError>([&] { store_->list(nowhere); }),
      complaint<IoError>([&] { store_->put(nowhere, "x"); }),
      complaint<IoError>([&] { store_->upload(nowhere, folder / "file"); })};
  for (const auto& text : complaints) {
    EXPECT_THAT(text, HasSubstr("'s3://no-such-bucket/key'"));
    EXPECT_THAT(text, HasSubstr(config().endpoint));
    EXPECT_THAT(text, HasSubstr("there is no bucket 'no-such-bucket'; make it, or correct"));
  }
}

TEST_F(Objects, WrongCredentialsAreRefusedAndNotShown) {
  auto wrong = config();
  wrong.credentials.secret_key = "not-the-secret";
  wrong.credentials.origin = "profile 'x' in '/home/me/.aws/credentials'";
  const auto text = complaint<InputError>([&] { s3_client(wrong)->get(at("key")); });
  EXPECT_THAT(text, HasSubstr("SignatureDoesNotMatch"));
  EXPECT_THAT(text, HasSubstr("does not accept the credentials; they come from profile 'x' in"));
  EXPECT_THAT(text, Not(HasSubstr("not-the-secret")));
  EXPECT_THAT(text, Not(HasSubstr(s3::Server::access_key)));
  wrong.credentials.access_key = "AKIDUNKNOWN";
  EXPECT_THAT(complaint<IoError>([&] { s3_client(wrong)->put(at("key"), ""); }),
              HasSubstr("InvalidAccessKeyId"));
}

}  // namespace
}  // namespace sluice::store
