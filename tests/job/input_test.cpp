#include "job/input.hpp"
#include "job/thrown.hpp"
#include "store/scratch_folder.hpp"

#include <gmock/gmock.h>

#include <set>

namespace sluice::job {
namespace {

using store::ScratchFolder;
using store::write_text;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Source = InputEntry::Source;

std::vector<std::string> keys_of(const std::vector<Record>& records) {
  std::vector<std::string> keys;
  for (const auto& record : records) keys.push_back(record.key);
  return keys;
}

std::vector<Record> read(Source source, std::vector<std::string> values,
                         std::optional<std::uint64_t> limit = {}) {
  return read_input({source, std::move(values), limit});
}

std::string refusal(Source source, const std::string& value) {
  return thrown<InputError>([&] { read(source, {value}); });
}

std::string jsonl_refusal(const std::string& text) {
  return thrown<InputError>([&] { read_jsonl(text, "rows.jsonl", 100); });
}

TEST(Input, GlobsAreSortedAndEachFileComesOnce) {
  const ScratchFolder folder;
  for (const auto* name : {"b.png", "a.png", "c.jpg"}) write_text(folder / name, "x");
  std::filesystem::create_directory(folder / "folder.png");
  const auto at = [&folder](const std::string& name) { return (folder / name).string(); };
  EXPECT_THAT(keys_of(read(Source::files, {at("*.png"), at("a.*"), at("*.jpg")})),
              ElementsAre(at("a.png"), at("b.png"), at("c.jpg")));
  EXPECT_THAT(keys_of(read(Source::files, {at("*.{png,jpg}")}, 2)),
              ElementsAre(at("a.png"), at("b.png")));
}

TEST(Input, ShardsAreAllOfItTogetherAndKnowWhatTheyAreOf) {
  std::vector<std::string> together;
  std::set<std::string> digests;
  for (std::uint64_t i = 1; i <= 3; ++i) {
    InputFacts whole;
    const auto part =
        keys_of(read_input({Source::keys, {"a", "b", "c", "d", "e"}, {}, Shard{i, 3}}, &whole));
    EXPECT_LE(part.size(), 2u);
    together.insert(together.end(), part.begin(), part.end());
    EXPECT_EQ(whole.records, 5u);
    digests.insert(whole.digest);
  }
  EXPECT_THAT(together, ElementsAre("a", "d", "b", "e", "c"));
  EXPECT_EQ(digests.size(), 1u);
  InputFacts other;
  read_input({Source::keys, {"a", "b", "c", "de"}, {}, Shard{1, 3}}, &other);
  EXPECT_FALSE(digests.contains(other.digest));
}

TEST(Input, AnEmptyShardIsRefused) {
  EXPECT_THAT(thrown<InputError>([] {
                read_input({Source::keys, {"a"}, {}, Shard{2, 2}});
              }),
              HasSubstr("input.shard = \"2/2\" is empty"));
}

TEST(Input, ShardsAreWrittenAsOneOfMany) {
  ASSERT_TRUE(parse_shard("3/8"));
  EXPECT_EQ(parse_shard("3/8")->index, 3u);
  EXPECT_EQ(parse_shard("3/8")->count, 8u);
  for (const auto* text : {"", "3", "0/8", "9/8", "3/", "/8", "a/b", "3/8/9", "-1/8", "3 / 8"}) {
    EXPECT_FALSE(parse_shard(text)) << text;
  }
}

TEST(Input, AGlobWithoutFilesIsNamed) {
  const ScratchFolder folder;
  std::filesystem::create_directory(folder / "folder.png");
  EXPECT_THAT(
      refusal(Source::files, (folder / "*.png").string()),
      StartsWith("no file matches input.files '" + (folder / "*.png").string() + "' (looked in '"));
  EXPECT_THAT(refusal(Source::files, (folder / "no.png").string()), StartsWith("no file matches"));
}

TEST(Input, ListGivesAKeyALine) {
  const ScratchFolder folder;
  write_text(folder / "keys.txt", "one\r\n\ntwo words\nlast");
  EXPECT_THAT(keys_of(read(Source::list, {(folder / "keys.txt").string()})),
              ElementsAre("one", "two words", "last"));
  EXPECT_THAT(keys_of(read(Source::list, {(folder / "keys.txt").string()}, 1)), ElementsAre("one"));
}

TEST(Input, MissingListSaysWhy) {
  const ScratchFolder folder;
  const auto path = (folder / "keys.txt").string();
  EXPECT_EQ(refusal(Source::list, path),
            "input.list: cannot read '" + path + "': No such file or directory");
  EXPECT_EQ(refusal(Source::jsonl, folder.path().string()),
            "input.jsonl: cannot read '" + folder.path().string() + "': Is a directory");
}

TEST(Input, EmptyOnesAreRefused) {
  const ScratchFolder folder;
  write_text(folder / "keys.txt", "\n\n");
  const auto path = (folder / "keys.txt").string();
  EXPECT_EQ(refusal(Source::list, path),
            "the input is empty: input.list = [\"" + path + "\"] gives no records");
  EXPECT_EQ(refusal(Source::jsonl, path),
            "the input is empty: input.jsonl = [\"" + path + "\"] gives no records");
  EXPECT_EQ(thrown<InputError>([] { read(Source::keys, {}); }),
            "the input is empty: input.keys = [] gives no records");
  EXPECT_EQ(thrown<InputError>([] { read(Source::files, {}); }),
            "the input is empty: input.files = [] gives no records");
}

TEST(Input, JsonLinesBecomeFieldsInTheirOrder) {
  const auto records = read_jsonl(
      "{\"key\": \"k\", \"z\": \"text\", \"a\": -3}\n\n  \r\n{\"share\": 0.5}\n{\"key\": 17}", "r",
      100);
  EXPECT_THAT(keys_of(records), ElementsAre("k", "4", "17"));
  ASSERT_EQ(records[0].fields().size(), 2u);
  EXPECT_EQ(records[0].fields()[0].first, "z");
  EXPECT_EQ(records[0].get<std::string>("z"), "text");
  EXPECT_EQ(records[0].get<std::int64_t>("a"), -3);
  EXPECT_EQ(records[1].get<double>("share"), 0.5);
  EXPECT_EQ(read_jsonl("{}\n{}\nbroken", "r", 2).size(), 2u);
}

TEST(Input, JsonLinesErrorsNameFileAndLine) {
  EXPECT_THAT(jsonl_refusal("{}\n{\"a\": "), StartsWith("rows.jsonl:2: this is not JSON: "));
  EXPECT_THAT(jsonl_refusal("{}\n{\"a\": 1e999}"), StartsWith("rows.jsonl:2: "));
  EXPECT_EQ(jsonl_refusal("{}\n{}\n[1]"), "rows.jsonl:3: a row must be an object, not [1]");
  EXPECT_EQ(jsonl_refusal("{\"a\": [1, 2]}"),
            "rows.jsonl:1: member 'a' must be a string or a number (of at most 64 bits), not "
            "[1,2]");
  for (const auto* value : {"true", "null", "{}", "18446744073709551615"}) {
    EXPECT_THAT(jsonl_refusal(std::string("{\"a\": ") + value + "}"), HasSubstr("member 'a' must"))
        << value;
  }
  EXPECT_EQ(jsonl_refusal("{\"key\": 1.5}"),
            "rows.jsonl:1: member 'key' must be a string or a whole number, not 1.5");
}

}  // namespace
}  // namespace sluice::job
