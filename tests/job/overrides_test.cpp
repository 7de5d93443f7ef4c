#include "job/job_file.hpp"
#include "job/thrown.hpp"

#include <gmock/gmock.h>

namespace sluice::job {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

JobFile with(const std::vector<std::string>& sets) {
  return parse_job(R"([input]
files = ["*.png"]
[[stage]]
name = "write"
use = "fs.write"
settings = { dir = "out" }
[[stage]]
use = "synthetic"
[[stage]]
name = "with.dot"
use = "synthetic"
)",
                   "job.toml", sets);
}

std::string refusal(const std::string& set) {
  return thrown<UsageError>([&] { with({set}); });
}

TEST(Set, OverridesKeysAnywhere) {
  const auto job = with({"pipeline.mode=debug", "input.limit=3", "stage.write.batch_size=9",
                         "stage.write.settings.dir=other dir", "stage.stage-2.settings.fail=0.5",
                         "stage.\"with.dot\".use=fs.read"});
  EXPECT_EQ(job.mode, Mode::debug);
  EXPECT_EQ(job.input.limit, 3u);
  EXPECT_EQ(to_integer(job.stages[0].keys.at("batch_size")), 9);
  EXPECT_EQ(to_text(job.stages[0].settings.at("dir")), "other dir");
  EXPECT_EQ(to_number(job.stages[1].settings.at("fail")), 0.5);
  EXPECT_EQ(job.stages[2].use, "fs.read");
}

TEST(Set, TheLastOneWins) { EXPECT_EQ(with({"pipeline.name=a", "pipeline.name=b"}).name, "b"); }

TEST(Set, TextNeedsNoQuotesEvenIfItLooksLikeAnotherType) {
  EXPECT_EQ(with({"pipeline.name=2024"}).name, "2024");
  EXPECT_EQ(with({"pipeline.name=2024-05-06"}).name, "2024-05-06");
  EXPECT_EQ(with({"pipeline.name=a=\"b\""}).name, "a=\"b\"");
  EXPECT_EQ(with({"pipeline.name=\"quoted\""}).name, "quoted");
  EXPECT_EQ(with({"pipeline.run_dir=x.y/z"}).run_dir, "x.y/z");
}

TEST(Set, AnInputReplacesTheOneInTheFile) {
  const auto job = with({"input.keys=[\"a\", \"b\"]"});
  EXPECT_EQ(job.input.source, InputEntry::Source::keys);
  EXPECT_EQ(job.input.values, (std::vector<std::string>{"a", "b"}));
}

TEST(Set, ErrorsNameTheSet) {
  EXPECT_EQ(refusal("stage.write.batch_size=0"),
            "--set stage.write.batch_size=0: 'stage.write.batch_size' must be a whole number of at "
            "least 1, such as 4; it is the integer 0");
  EXPECT_THAT(refusal("stage.write.bach_size=2"),
              StartsWith("--set stage.write.bach_size=2: unknown key 'stage.write.bach_size'; did "
                         "you mean 'batch_size'?"));
  EXPECT_THAT(refusal("nme=x"), StartsWith("--set nme=x: unknown key 'nme'"));
  EXPECT_THAT(refusal("stage.wirte.batch_size=2"),
              StartsWith("--set stage.wirte.batch_size=2: the job file has no stage 'wirte' (it "
                         "has: write, stage-2, with.dot); write it as --set stage.NAME.KEY=VALUE"));
}

TEST(Set, MalformedOnesAreRefused) {
  EXPECT_THAT(refusal("pipeline.name"), HasSubstr("there is no '='"));
  EXPECT_THAT(refusal("=3"), HasSubstr("'' is not a key"));
  EXPECT_THAT(refusal("a b=3"), HasSubstr("'a b' is not a key"));
  EXPECT_THAT(refusal("stage.write=3"), HasSubstr("names no stage, or nothing of the stage"));
  EXPECT_THAT(refusal("stage.write.use.x=3"), HasSubstr("'use' is not a table"));
}

}  // namespace
}  // namespace sluice::job
