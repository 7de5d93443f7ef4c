#include "s3/test.hpp"
#include "store/artifact_cases.hpp"
#include "store/batches.hpp"
#include "store/object_store.hpp"

namespace sluice::store {
namespace {

using ::testing::HasSubstr;

class ArtifactsInBuckets : public s3::Test, public ArtifactCase {
 protected:
  void SetUp() override {
    s3::Test::SetUp();
    if (IsSkipped()) return;
    s3::set_environment(s3::Server::instance());
    objects_ = s3_client(config());
  }
  std::string uri(const std::string& key) const { return "s3://" + bucket_ + "/" + key; }

  std::unique_ptr<ObjectStore> objects_;
};

TEST_F(ArtifactsInBuckets, AreFetchedOnceUntilTheyChange) {
  std::mt19937_64 random(1);
  const auto first = random_bytes(random, (37 << 20) + 5);
  objects_->put({bucket_, "model"}, first);
  EXPECT_TRUE(fetch({uri("model"), "model"}));
  EXPECT_TRUE(at("model") == first);
  EXPECT_FALSE(fetch({uri("model"), "model"}));
  objects_->put({bucket_, "model"}, "another");
  EXPECT_TRUE(fetch({uri("model"), "model"}));
  EXPECT_EQ(at("model"), "another");
  objects_->put({bucket_, "empty"}, "");
  EXPECT_TRUE(fetch({uri("empty"), "empty"}));
  EXPECT_EQ(at("empty"), "");
}

TEST_F(ArtifactsInBuckets, MayBeAllObjectsBelowAPrefix) {
  objects_->put({bucket_, "p/a"}, "in a");
  objects_->put({bucket_, "p/deep/b"}, "in b");
  EXPECT_TRUE(fetch({uri("p/"), "folder"}));
  EXPECT_EQ(at("folder/a"), "in a");
  EXPECT_EQ(at("folder/deep/b"), "in b");
  EXPECT_FALSE(fetch({uri("p/"), "folder"}));
}

TEST_F(ArtifactsInBuckets, MayNotBeBothAFileAndAFolder) {
  for (const auto* key : {"p/a", "p/a-b", "p/a/b/c"}) objects_->put({bucket_, key}, "bytes");
  EXPECT_THAT(complaint({uri("p/"), "folder"}),
              ::testing::AllOf(HasSubstr("'" + uri("p/a") + "'"), HasSubstr(uri("p/a/b/c"))));
}

TEST_F(ArtifactsInBuckets, BelowAPrefixMayNotChangeWhileTheyAreRead) {
  objects_->put({bucket_, "p/a"}, "before");
  ArtifactReader reader({uri("p/"), "folder"});
  reader.key();
  objects_->put({bucket_, "p/a"}, "behind");
  EXPECT_THROW(while (!reader.next().empty()){}, InputError);
}

TEST_F(ArtifactsInBuckets, ThatAreNotThereAreNamed) {
  EXPECT_THAT(complaint({uri("none"), "a"}), HasSubstr("there is no object '" + uri("none")));
  EXPECT_THAT(complaint({uri("none/"), "a"}), HasSubstr("no objects below '" + uri("none/")));
}

TEST_F(ArtifactsInBuckets, MayNotChangeWhileTheyAreRead) {
  objects_->put({bucket_, "model"}, std::string(40 << 20, 'a'));
  ArtifactReader reader({uri("model"), "model"});
  EXPECT_FALSE(reader.next().empty());
  objects_->put({bucket_, "model"}, std::string(40 << 20, 'b'));
  EXPECT_THROW(while (!reader.next().empty()){}, InputError);
}

}  // namespace
}  // namespace sluice::store
