#include "job/input.hpp"
#include "job/stage_driver.hpp"
#include "job/stages/kinds.hpp"
#include "job/thrown.hpp"
#include "s3/test.hpp"
#include "store/object_store.hpp"

#include <gmock/gmock.h>

namespace sluice::job {
namespace {

using store::ObjectName;
using store::ScratchFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class S3Stages : public s3::Test {
 protected:
  void SetUp() override {
    s3::Test::SetUp();
    if (IsSkipped()) return;
    objects_ = store::s3_client(config());
    s3::set_environment(s3::Server::instance());
  }
  void put(const std::string& key, const std::string& text) { objects_->put({bucket_, key}, text); }
  std::string get(const std::string& key) {
    return std::string(objects_->get({bucket_, key}).view());
  }
  StageDriver driver(const StageKind& kind, const SettingTexts& settings) {
    StageDriver stage(kind, settings);
    stage.setup(folder_.path());
    return stage;
  }

  ScratchFolder folder_;
  std::unique_ptr<store::ObjectStore> objects_;
};

TEST_F(S3Stages, GetTakesWhatTheKeyNames) {
  put("a b/1", "one");
  put("two", "");
  auto stage = driver(s3_get_kind(), {{"field", "text"}});
  const auto records =
      stage.process({Record(bucket_ + "/a b/1"), Record("s3://" + bucket_ + "/two")});
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].key, bucket_ + "/a b/1");
  EXPECT_EQ(records[0].get<Buffer>("text").view(), "one");
  EXPECT_TRUE(records[1].get<Buffer>("text").empty());
}

TEST_F(S3Stages, GetPutsTheRootBeforeKeysThatAreNoUris) {
  put("pages/1", "one");
  put("2", "two");
  auto stage = driver(s3_get_kind(), {{"root", "s3://" + bucket_ + "/pages"}});
  const auto records = stage.process({Record("1"), Record("s3://" + bucket_ + "/2")});
  EXPECT_EQ(records[0].get<Buffer>("bytes").view(), "one");
  EXPECT_EQ(records[1].get<Buffer>("bytes").view(), "two");
}

TEST_F(S3Stages, GetNamesTheRecordWhoseObjectIsMissing) {
  put("there", "x");
  auto stage = driver(s3_get_kind(), {});
  try {
    stage.process({Record(bucket_ + "/there"), Record(bucket_ + "/missing")});
    FAIL();
  } catch (const RecordError& error) {
    EXPECT_EQ(error.index, 1u);
    EXPECT_EQ(error.code(), ExitCode::input);
    EXPECT_THAT(error.what(), HasSubstr("'s3://" + bucket_ + "/missing'"));
  }
}

TEST_F(S3Stages, PutMakesAnObjectARecordAndReplacesOlderOnes) {
  put("texts/a/1.txt", "old");
  auto stage = driver(
      s3_put_kind(), {{"to", "s3://" + bucket_ + "/texts"}, {"field", "text"}, {"suffix", ".txt"}});
  const auto records = stage.process({record_with("a/1", "text", std::string("new")),
                                      record_with("ü+ 2", "text", Buffer::copy_of("bytes"))});
  EXPECT_EQ(records.size(), 2u);
  EXPECT_EQ(get("texts/a/1.txt"), "new");
  EXPECT_EQ(get("texts/ü+ 2.txt"), "bytes");
}

TEST_F(S3Stages, PutNamesTheRecordThatItCannotPut) {
  auto stage = driver(s3_put_kind(), {{"to", "s3://no-such-bucket/texts"}});
  try {
    stage.process({record_with("a", "bytes", std::string("x"))});
    FAIL();
  } catch (const RecordError& error) {
    EXPECT_EQ(error.index, 0u);
    EXPECT_EQ(error.code(), ExitCode::io);
    EXPECT_THAT(error.what(), HasSubstr("there is no bucket 'no-such-bucket'"));
  }
  EXPECT_THAT(thrown<RecordError>([&] { stage.process({Record("")}); }),
              HasSubstr("key '' cannot name an object"));
  EXPECT_THAT(thrown<RecordError>([&] { stage.process({Record("a")}); }),
              HasSubstr("has no field 'bytes'"));
}

TEST_F(S3Stages, TheInputListsWhatLiesUnderAPrefix) {
  for (const auto* key : {"pages/2.png", "pages/1.png", "pages/", "other"}) {
    put(key, std::string_view(key).ends_with('/') ? "" : "x");
  }
  const auto read = [&](const std::string& prefix, std::optional<std::uint64_t> limit = {}) {
    std::vector<std::string> keys;
    const InputEntry entry{InputEntry::Source::s3, {"s3://" + bucket_ + prefix}, limit};
    for (const auto& record : read_input(entry)) keys.push_back(record.key);
    return keys;
  };
  EXPECT_THAT(read("/pages/"), ElementsAre(bucket_ + "/pages/1.png", bucket_ + "/pages/2.png"));
  EXPECT_THAT(read("", 1), ElementsAre(bucket_ + "/other"));
  EXPECT_THAT(read("/pages/", 1), ElementsAre(bucket_ + "/pages/1.png")) << "folders don't count";
  EXPECT_THAT(thrown<InputError>([&] { read("/nothing"); }),
              HasSubstr("the input is empty: input.s3"));
}

}  // namespace
}  // namespace sluice::job
