#include "job/stage_driver.hpp"
#include "job/stages/json_value.hpp"
#include "job/stages/kinds.hpp"
#include "job/thrown.hpp"

#include <gmock/gmock.h>

#include <limits>

namespace sluice::job {
namespace {

using store::read_text;
using store::ScratchFolder;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

Record with_every_type() {
  Record record("k");
  record.set("text", std::string("a \"quoted\" é"));
  record.set("count", std::int64_t{-5});
  record.set("share", 0.25);
  record.set("bytes", Buffer::copy_of("abcd"));
  record.set("tensor", Tensor{DType::u8, {2, 2}, Buffer::copy_of("abcd")});
  return record;
}

TEST(ToJson, WritesEveryTypeOfField) {
  EXPECT_EQ(to_json(with_every_type(), Payload::base64),
            R"({"key":"k","text":"a \"quoted\" é","count":-5,"share":0.25,"bytes":"YWJjZA==",)"
            R"("tensor":{"dtype":"u8","shape":[2,2],"data":"YWJjZA=="}})");
  EXPECT_EQ(to_json(with_every_type(), Payload::digest),
            R"({"key":"k","text":"a \"quoted\" é","count":-5,"share":0.25,)"
            R"("bytes":{"bytes":4,"xxh64":"de0327b0d25d92cc"},)"
            R"("tensor":{"dtype":"u8","shape":[2,2],"bytes":4,"xxh64":"de0327b0d25d92cc"}})");
}

TEST(ToJson, NumbersThatJsonLacksAreNull) {
  EXPECT_EQ(to_json(record_with("k", "x", std::numeric_limits<double>::quiet_NaN()), {}),
            R"({"key":"k","x":null})");
}

TEST(ToJson, TextThatIsNotUtf8IsRefused) {
  EXPECT_THAT(
      thrown<StageError>([] { to_json(record_with("k", "t", std::string("\xff\xfe")), {}); }),
      HasSubstr("the key or a string field of record 'k' is not UTF-8"));
}

TEST(ToJson, AFieldNamedKeyIsRefused) {
  EXPECT_THAT(thrown<StageError>([] { to_json(record_with("k", "key", 1.0), {}); }),
              HasSubstr("record 'k' has a field named 'key'"));
}

TEST(Base64, MatchesTheVectorsOfRfc4648) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foob"), "Zm9vYg==");
  EXPECT_EQ(base64("fooba"), "Zm9vYmE=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xff\xfe\xfd"), "//79");
}

TEST(JsonlWrite, PublishesTheWholeFileAtTeardown) {
  const ScratchFolder folder;
  StageDriver write(jsonl_write_kind(), {{"path", "sub/out.jsonl"}});
  write.setup(folder.path());
  EXPECT_EQ(write.process({Record("a"), Record("b")}).size(), 2u);
  EXPECT_FALSE(std::filesystem::exists(folder / "sub/out.jsonl"));
  write.teardown();
  EXPECT_EQ(read_text(folder / "sub/out.jsonl"), "{\"key\":\"a\"}\n{\"key\":\"b\"}\n");
}

TEST(JsonlWrite, AFailedRunLeavesNoFile) {
  const ScratchFolder folder;
  {
    StageDriver write(jsonl_write_kind(), {{"path", "out.jsonl"}});
    write.setup(folder.path());
    write.process({Record("a")});
  }
  EXPECT_TRUE(folder.files().empty());
}

TEST(JsonlWrite, SeveralWorkersWriteAFileEach) {
  const ScratchFolder folder;
  for (std::size_t worker = 0; worker < 2; ++worker) {
    StageDriver write(jsonl_write_kind(), {{"path", "out.jsonl"}});
    write.setup(folder.path(), worker, 2);
    write.teardown();
  }
  EXPECT_THAT(folder.files(), UnorderedElementsAre("out.0.jsonl", "out.1.jsonl"));
}

TEST(JsonlWrite, HintNamesTheFilesThatWereWrittenLast) {
  const ScratchFolder folder;
  const auto kind = jsonl_write_kind();
  const auto settings = settings_of(kind, {{"path", "out.jsonl"}});
  const auto one = (folder / "out.jsonl").string();
  EXPECT_EQ(kind.output_hint(settings, folder.path()),
            one + ": one JSON object a line; look at it with: head -n 3 " + one);
  store::write_text(folder / "out.jsonl", "");
  store::write_text(folder / "out.0.jsonl", "");
  std::filesystem::last_write_time(
      folder / "out.jsonl",
      std::filesystem::last_write_time(folder / "out.0.jsonl") - std::chrono::hours(1));
  EXPECT_THAT(kind.output_hint(settings, folder.path()), HasSubstr("out.*.jsonl"));
}

TEST(JsonlWrite, OfABatchThatFailsNothingIsWrittenSoThatItMayComeAgain) {
  const ScratchFolder folder;
  StageDriver stage(jsonl_write_kind(), {{"path", "out.jsonl"}});
  stage.setup(folder.path());
  try {
    stage.process({Record("a"), record_with("b", "t", std::string("\xff")), Record("c")});
    FAIL();
  } catch (const RecordError& error) {
    EXPECT_EQ(error.index, 1u);
  }
  stage.process({Record("a"), Record("c")});
  stage.teardown();
  EXPECT_EQ(read_text(folder / "out.jsonl"), "{\"key\":\"a\"}\n{\"key\":\"c\"}\n");
}

}  // namespace
}  // namespace sluice::job
