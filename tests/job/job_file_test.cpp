#include "job/job_file.hpp"
#include "job/thrown.hpp"
#include "store/scratch_folder.hpp"

#include <gmock/gmock.h>

namespace sluice::job {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string good = R"(
[pipeline]
name = "annotate"
mode = "debug"
run_dir = "out"
[input]
keys = ["a", "b"]
limit = 1
[[stage]]
name = "read"
use = "fs.read"
workers_per_node = 2
[[stage]]
use = "jsonl.write"
plugin = "libmine.so"
batch_size = 8
settings = { path = "x.jsonl" }
)";

// The message for a job file of one stage with these further lines in it; the stage is on line 3.
std::string refusal(const std::string& lines) {
  return thrown<UsageError>([&] {
    parse_job("[input]\nkeys = [\"a\"]\n[[stage]]\nname = \"read\"\nuse = \"fs.read\"\n" + lines,
              "job.toml");
  });
}

TEST(JobFile, ReadsEveryTable) {
  const auto job = parse_job(good, "dir/job.toml");
  EXPECT_EQ(job.name, "annotate");
  EXPECT_EQ(job.mode, Mode::debug);
  EXPECT_EQ(job.run_dir, "out");
  EXPECT_EQ(job.input.source, InputEntry::Source::keys);
  EXPECT_EQ(job.input.limit, 1u);
  ASSERT_EQ(job.stages.size(), 2u);
  EXPECT_EQ(job.stages[0].use, "fs.read");
  EXPECT_FALSE(job.stages[0].plugin);
  EXPECT_EQ(job.stages[1].name, "stage-2");
  EXPECT_EQ(job.stages[1].plugin, "libmine.so");
  EXPECT_EQ(to_text(job.stages[1].settings.at("path")), "x.jsonl");
  EXPECT_EQ(job.stages[1].use_place.text(), "dir/job.toml:14");
}

TEST(JobFile, NameAndRunDirHaveDefaults) {
  const auto job =
      parse_job("[input]\nkeys = [\"a\"]\n[[stage]]\nuse = \"fs.read\"", "dir/pages.toml");
  EXPECT_EQ(job.name, "pages");
  EXPECT_EQ(job.run_dir, "runs/pages");
  EXPECT_EQ(job.mode, Mode::automatic);
}

TEST(JobFile, UnknownKeysNameFileLinePathAndTheNearest) {
  EXPECT_EQ(refusal("bacth_size = 3"),
            "job.toml:6: unknown key 'stage.read.bacth_size'; did you mean 'batch_size'? what only "
            "this kind of stage takes goes into its table of settings: settings = { … }");
  EXPECT_EQ(refusal("[pipeline]\nmoed = \"debug\""),
            "job.toml:7: unknown key 'pipeline.moed'; did you mean 'mode'? docs/job-file.md "
            "describes the keys");
  EXPECT_EQ(refusal("[inputs]\nkeys = []"),
            "job.toml:6: unknown key 'inputs'; did you mean 'input'? docs/job-file.md describes "
            "the keys");
  EXPECT_EQ(thrown<UsageError>([] { parse_job("[input]\nkey = [\"a\"]", "j.toml"); }),
            "j.toml:2: unknown key 'input.key'; did you mean 'keys'? docs/job-file.md describes "
            "the keys");
}

TEST(JobFile, UnknownKeyWithNoNearOneIsNotGivenAWrongOne) {
  EXPECT_EQ(refusal("[weather]"),
            "job.toml:6: unknown key 'weather'; docs/job-file.md describes the keys");
}

TEST(JobFile, KeysOfLaterVersionsAreNotCalledUnknown) {
  EXPECT_EQ(refusal("resources = { cpus = 1 }"),
            "job.toml:6: key 'stage.read.resources' is not supported by this version of sluice");
  for (const auto* line : {"resources = { cpus = 1 }", "[topology]"}) {
    EXPECT_THAT(refusal(line), HasSubstr("is not supported by this version")) << line;
  }
}

TEST(JobFile, WrongTypesSayWhatWasExpectedAndWhatStoodThere) {
  EXPECT_EQ(refusal("batch_size = \"many\""),
            "job.toml:6: 'stage.read.batch_size' must be a whole number of at least 1, such as 4; "
            "it is the string \"many\"");
  EXPECT_EQ(refusal("plugin = 7"),
            "job.toml:6: 'stage.read.plugin' must be a path, such as \"build/libmine.so\"; it is "
            "the integer 7");
  EXPECT_EQ(refusal("settings = 3"),
            "job.toml:6: 'stage.read.settings' must be a table; it is the integer 3");
  EXPECT_EQ(refusal("speed = [1]"),
            "job.toml:6: 'stage.read.speed' must be a positive number of records a second, such as "
            "1.5; it is the list [ 1 ]");
  EXPECT_EQ(refusal("[pipeline]\nname = 1.5"),
            "job.toml:7: 'pipeline.name' must be a name, such as \"annotate\"; it is the number "
            "1.5");
  EXPECT_THAT(refusal("batch_wait = 1979-05-27"), HasSubstr("it is the date or time 1979-05-27"));
  EXPECT_THAT(thrown<UsageError>([] { parse_job("pipeline = true", "j.toml"); }),
              HasSubstr("j.toml:1: 'pipeline' must be a table; it is the boolean true"));
  EXPECT_THAT(thrown<UsageError>([] { parse_job("[input]\nkeys=[\"a\"]\n[stage.x]", "j.toml"); }),
              HasSubstr("j.toml:3: 'stage' must be tables headed [[stage]]; it is a table"));
  EXPECT_THAT(thrown<UsageError>([] { parse_job("[input]\nfiles = [1]", "j.toml"); }),
              HasSubstr("'input.files' must be a list of strings"));
}

TEST(JobFile, MaxDeadLettersIsAShareOrAPercentage) {
  const auto share = [](const std::string& text) {
    return parse_job(good, "job.toml", {"pipeline.max_dead_letters=" + text}).max_dead_letters;
  };
  EXPECT_DOUBLE_EQ(share("0.25"), 0.25);
  EXPECT_DOUBLE_EQ(share("1"), 1);
  EXPECT_DOUBLE_EQ(share("2.5%"), 0.025);
  for (const auto* bad : {"1.5", "-0.1", "\"101%\"", "\"many\"", "nan", "\"%\""}) {
    EXPECT_THAT(refusal(std::string("[pipeline]\nmax_dead_letters = ") + bad),
                HasSubstr("'pipeline.max_dead_letters' must be a share of the inputs from 0 to 1"))
        << bad;
  }
}

TEST(JobFile, NumbersOutOfRangeAreRefused) {
  for (const auto* line : {"batch_size = 0",    "batch_size = -3",
                           "speed = -1.0",      "speed = 0",
                           "speed = inf",       "speed = nan",
                           "cpus = -0.5",       "cpus = 0",
                           "workers = 0",       "workers_per_node = 0",
                           "gpus = 1.5",        "gpus = -1",
                           "memory = \"much\"", "spmd = 0",
                           "selectivity = 0",   "over_provision = 0.5",
                           "slots = 0",         "batch_wait = -1",
                           "byte_budget = -1",  "batch_wait = \"soon\"",
                           "attempts = 0",      "setup_attempts = 0",
                           "on_failure = 3",    "max_worker_lifetime = -1"}) {
    EXPECT_THAT(refusal(line), StartsWith("job.toml:6: 'stage.read.")) << line;
  }
  EXPECT_THAT(thrown<UsageError>([] { parse_job("[input]\nkeys=[\"a\"]\nlimit=0", "j.toml"); }),
              HasSubstr("'input.limit' must be a whole number of at least 1"));
}

TEST(JobFile, WorkersArePinnedOnce) {
  EXPECT_EQ(refusal("workers = 2\nworkers_per_node = 1"),
            "job.toml:7: 'stage.read' sets both workers and workers_per_node; either pins the "
            "number of workers, so leave one out");
}

TEST(JobFile, ModesAreNamed) {
  EXPECT_EQ(refusal("[pipeline]\nmode = \"bacth\""),
            "job.toml:7: 'pipeline.mode' must be \"auto\", \"streaming\", \"batch\" or "
            "\"debug\"; it is the string \"bacth\"");
}

TEST(JobFile, StagesNeedAKindAndNamesOfTheirOwn) {
  EXPECT_EQ(
      refusal("[[stage]]\nname = \"ocr\""),
      "job.toml:6: stage 'ocr' does not say what it is; it takes use = \"KIND\" ('sluice stages' "
      "lists the kinds) or command = [\"PROGRAM\", …] (a program in any language)");
  EXPECT_EQ(refusal("[[stage]]\nname = \"read\"\nuse = \"synthetic\""),
            "job.toml:6: there are two stages named 'read'; names must differ");
  EXPECT_EQ(refusal("[[stage]]\nname = \"\"\nuse = \"synthetic\""),
            "job.toml:7: 'stage..name' must be a name, such as \"read\"; it is the string \"\"");
  EXPECT_EQ(thrown<UsageError>([] { parse_job("[input]\nkeys = [\"a\"]", "j.toml"); }),
            "j.toml: the job has no stages; add at least one [[stage]] with use = \"KIND\" or "
            "command = [\"PROGRAM\", …]");
}

TEST(JobFile, InputIsNamedExactlyOnce) {
  EXPECT_THAT(thrown<UsageError>([] { parse_job("[[stage]]\nuse = \"fs.read\"", "j.toml"); }),
              StartsWith("j.toml: the job names no input; [input] takes exactly one of files = "));
  EXPECT_THAT(
      thrown<UsageError>([] { parse_job("[input]\nkeys=[\"a\"]\nlist=\"b\"", "j.toml"); }),
      StartsWith("j.toml:2: the job names more than one input; [input] takes exactly one of"));
}

TEST(JobFile, SyntaxErrorsNameLineAndColumn) {
  EXPECT_THAT(thrown<UsageError>([] { parse_job("[pipeline]\nname = = 3", "j.toml"); }),
              StartsWith("j.toml:2:8: this is not TOML: "));
}

TEST(JobFile, MissingFileIsAUsageError) {
  const store::ScratchFolder folder;
  const auto path = (folder / "no.toml").string();
  EXPECT_EQ(
      thrown<UsageError>([&] { load_job(path); }),
      "cannot read '" + path + "': No such file or directory; sluice wants the path of a job file");
}

}  // namespace
}  // namespace sluice::job
