#include "store/manifest.hpp"

#include "store/sealed_text.hpp"
#include "store/shard_error.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace sluice::store {
namespace {

using ::testing::HasSubstr;

ShardInfo shard(const std::string& name, SplitRange splits) {
  ShardInfo info{name, "0123456789abcdef", {}, 10, 1000, 9000, 0xfedcba9876543210};
  info.splits.add(splits);
  return info;
}

Manifest sample() {
  return {"2-ocr",
          {{"input: 3 records", "stage read: fs.read {}", "stage ocr: \"\xff\" {}"}},
          {shard("a.h5", {0, 4}), shard("b.h5", {4, 1})}};
}

TEST(SealedText, OpensOnlyWhatItSealed) {
  const auto text = seal("kind 1", "a line");
  EXPECT_EQ(unseal("kind 1", text), "a line");
  EXPECT_EQ(unseal("kind 1", text + std::string(100, '\0')), "a line");
  EXPECT_EQ(unseal("kind 2", text), std::nullopt);
  EXPECT_EQ(unseal("kind 1", ""), std::nullopt);
  EXPECT_EQ(unseal("kind 1", "kind 1"), std::nullopt);
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto damaged = text;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_EQ(unseal("kind 1", damaged), std::nullopt) << i;
    EXPECT_EQ(unseal("kind 1", text.substr(0, i)), std::nullopt) << i;
  }
}

TEST(Manifest, ComesBackAsItWas) {
  auto manifest = sample();
  manifest.pipeline.lines.back() = "stage ocr: tesseract.ocr {}";
  const auto read = parse_manifest(manifest_text(manifest), manifest.pipeline, "'m'");
  EXPECT_EQ(read.stage, "2-ocr");
  EXPECT_EQ(read.pipeline.lines, manifest.pipeline.lines);
  EXPECT_EQ(read.shards, manifest.shards);
}

TEST(Manifest, IsTextWhateverThePipelineSays) {
  EXPECT_THAT(manifest_text(sample()), HasSubstr("2-ocr"));
}

template <class E>
std::string refusal(std::string_view text, const PipelineText& pipeline) {
  try {
    parse_manifest(text, pipeline, "'store/2-ocr/manifest'");
  } catch (const E& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Manifest, AnotherPipelinesSaysWhatDiffers) {
  auto manifest = sample();
  manifest.pipeline.lines = {"input: 3 records", "stage ocr: tesseract.ocr {lang=eng}"};
  const auto text = manifest_text(manifest);
  const PipelineText changed{{"input: 3 records", "stage ocr: tesseract.ocr {lang=deu}"}};
  EXPECT_EQ(refusal<UsageError>(text, changed),
            "the manifest 'store/2-ocr/manifest' belongs to another pipeline: it says 'stage ocr: "
            "tesseract.ocr {lang=eng}' where this one says 'stage ocr: tesseract.ocr {lang=deu}'; "
            "run the job that it belongs to, or give this one another store");
  EXPECT_THAT(refusal<UsageError>(text, {{"input: 3 records"}}),
              HasSubstr("where this one says nothing"));
  EXPECT_NE(changed.digest(), manifest.pipeline.digest());
}

TEST(Manifest, ADamagedOneIsNamed) {
  const auto manifest = sample();
  auto text = manifest_text(manifest);
  text[text.size() / 2] ^= 4;
  EXPECT_THAT(refusal<ShardError>(text, manifest.pipeline),
              HasSubstr("'store/2-ocr/manifest' is damaged"));
  EXPECT_THAT(refusal<ShardError>("", manifest.pipeline), HasSubstr("is damaged"));
}

TEST(ShardInfo, OfTwoShardsWithASplitInCommonTheFirstCounts) {
  const auto a = shard("a.h5", {0, 4});
  const auto b = shard("b.h5", {3, 2});
  const auto c = shard("c.h5", {4, 1});
  EXPECT_THAT(without_overlaps({a, b, c}), ::testing::ElementsAre(a, c));
}

TEST(ShardInfo, TheHeadHoldsAsManyRangesAsAreAllowed) {
  auto info = shard("attempt-1000-rank-100000-shard-1000000.h5", {0, 0});
  constexpr auto far = std::uint64_t{1} << 62;
  for (std::size_t i = 0; i < most_split_ranges; ++i) info.splits.add({far + 1000000 * i, 900000});
  ASSERT_EQ(info.splits.ranges().size(), most_split_ranges);
  EXPECT_EQ(parse_shard_head(shard_head(info)), info);
  for (std::size_t i = 0; i < 500; ++i) info.splits.add({1000000 * i, 900000});
  EXPECT_THROW(shard_head(info), InvariantError);
}

}  // namespace
}  // namespace sluice::store
