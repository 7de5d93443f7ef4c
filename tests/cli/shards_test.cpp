// Runs of parts of an input, and what says that they are all there.
#include "cli/job_runs.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace sluice::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

class Shards : public JobRuns {
 protected:
  void SetUp() override {
    write_rows(10);
    write_job(R"(
[pipeline]
run_dir = "out"
[input]
jsonl = "rows.jsonl"
[[stage]]
name = "work"
use = "synthetic"
settings = { fail = 0.0 }
on_failure = "dead_letter"
[[stage]]
name = "write"
use = "jsonl.write"
settings = { path = "out.jsonl" }
)");
  }

  void run_shard(const std::string& shard, const Arguments& more = {}) {
    Arguments arguments{"run", "job.toml", "--shard", shard};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto ended = run(arguments);
    ASSERT_EQ(ended.code, 0) << ended.err;
  }
  Ended merge(const std::vector<int>& shards, int of = 3) {
    Arguments arguments{"merge"};
    for (const int i : shards) arguments.push_back(fmt::format("out/shard-{}-of-{}", i, of));
    return run(arguments);
  }
  Json manifest() { return Json::parse(store::read_text(folder_ / "out/merged.json")); }
};

TEST_F(Shards, AreTheWholeInputTogether) {
  std::multiset<std::string> together;
  for (const int i : {1, 2, 3}) {
    run_shard(fmt::format("{}/3", i));
    together.merge(lines(fmt::format("out/shard-{}-of-3/out.jsonl", i)));
  }
  ASSERT_EQ(run({"run", "job.toml", "--run-dir", "whole"}).code, 0);
  EXPECT_EQ(together, lines("whole/out.jsonl"));

  const auto merged = merge({1, 2, 3});
  EXPECT_EQ(merged.code, 0) << merged.err;
  EXPECT_THAT(merged.out, HasSubstr("3 shards, 10 inputs, 10 of them done"));
  EXPECT_EQ(manifest()["complete"], true);
  const auto outputs = manifest()["runs"][1]["outputs"];
  ASSERT_EQ(outputs.size(), 1u) << outputs;
  EXPECT_EQ(outputs[0]["path"], "out/shard-2-of-3/out.jsonl");
}

TEST_F(Shards, CannotWriteOneFile) {
  const auto path = (folder_ / "all.jsonl").string();
  const auto ended =
      run({"run", "job.toml", "--shard", "1/2", "--set", "stage.write.settings.path=" + path});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, HasSubstr("every shard would replace the others' file"));
}

TEST_F(Shards, ThatAreMissingOrUnfinishedAreNamed) {
  run_shard("1/3");
  run_shard("3/3");
  std::filesystem::remove(folder_ / "out/shard-3-of-3/summary.json");  // as if it were running
  const auto merged = merge({1, 3});
  EXPECT_EQ(merged.code, 3);
  EXPECT_THAT(merged.err, HasSubstr("of 3 shards 2 is missing: run them with --shard I/N; 3 is not "
                                    "finished"));
  EXPECT_EQ(manifest()["complete"], false);
  EXPECT_EQ(manifest()["missing"], Json({2}));
  EXPECT_EQ(manifest()["unfinished"], Json({3}));
  ASSERT_EQ(run({"resume", "out/shard-3-of-3"}).code, 0);
  EXPECT_THAT(merge({1, 3}).err,
              HasSubstr("of 3 shards 2 is missing: run them with --shard I/N\n"));
}

TEST_F(Shards, OfDifferentInputsAreNotMerged) {
  run_shard("1/2");
  write_rows(12);
  run_shard("2/2");
  const auto merged = merge({1, 2}, 2);
  EXPECT_EQ(merged.code, 2);
  EXPECT_THAT(merged.err, HasSubstr("the input had 10 records for one and 12 for the other"));
}

TEST_F(Shards, OfDifferentJobsAreNotMerged) {
  run_shard("1/2");
  run_shard("2/2", {"--set", "stage.work.settings.outputs=2"});
  EXPECT_THAT(merge({1, 2}, 2).err, HasSubstr("their jobs differ"));
  EXPECT_THAT(merge({1, 1}, 2).err, HasSubstr("are both shard 1"));
  run_shard("1/3");
  EXPECT_THAT(run({"merge", "out/shard-1-of-2", "out/shard-1-of-3"}).err,
              HasSubstr("they are shards of 2 and of 3"));
}

TEST_F(Shards, HaveTheirDeadLettersJoined) {
  for (const auto* shard : {"1/2", "2/2"}) {
    run_shard(shard,
              {"--set", "stage.work.settings.fail=1", "--set", "pipeline.max_dead_letters=1"});
  }
  ASSERT_EQ(merge({1, 2}, 2).code, 0);
  EXPECT_EQ(lines("out/merged-dead_letters.jsonl").size(), 10u);
  EXPECT_EQ(manifest()["dead_letters"], 10);
}

TEST_F(Shards, WithoutDeadLettersLeaveAnEmptyFileOfThem) {
  for (const auto* shard : {"1/2", "2/2"}) run_shard(shard);
  std::ofstream(folder_ / "out/merged-dead_letters.jsonl") << "of another merge\n";
  ASSERT_EQ(merge({1, 2}, 2).code, 0);
  EXPECT_EQ(lines("out/merged-dead_letters.jsonl").size(), 0u);
}

TEST_F(Shards, AreNotMergedIntoOneOfThem) {
  for (const auto* shard : {"1/2", "2/2"}) run_shard(shard);
  const auto merged =
      run({"merge", "out/shard-1-of-2", "out/shard-2-of-2", "--out", "out/shard-2-of-2/"});
  EXPECT_EQ(merged.code, 2);
  EXPECT_THAT(merged.err, HasSubstr("--out 'out/shard-2-of-2/' is the run directory of a shard"));
}

TEST_F(Shards, HaveStoresOfTheirOwn) {
  for (const auto* shard : {"1/2", "2/2"}) {
    run_shard(shard, {"--mode", "batch", "--set", "store.uri=kept", "--set",
                      "pipeline.keep_intermediates=true"});
    EXPECT_FALSE(
        std::filesystem::is_empty(folder_ / "kept" / fmt::format("shard-{}-of-2", shard[0])));
  }
}

TEST_F(Shards, ThatMakeNoSenseAreRefused) {
  for (const auto* shard : {"0/3", "4/3", "x"}) {
    const auto ended = run({"run", "job.toml", "--shard", shard});
    EXPECT_EQ(ended.code, 2) << shard;
    EXPECT_THAT(ended.err, HasSubstr("input.shard")) << shard;
  }
}

// One command for the first time and for all others.
TEST_F(Shards, AreGoneOnWithByRunAndResume) {
  for (int i = 0; i < 2; ++i) run_shard("2/3", {"--resume", "--run-dir", "here"});
  EXPECT_EQ(lines("here/shard-2-of-3/out.jsonl").size(), 3u);
  const Arguments again{"run", "job.toml", "--shard", "2/3", "--resume", "--run-dir", "here"};
  EXPECT_THAT(run(again).err, Not(HasSubstr("as it was begun")));
  auto changed = again;
  changed.insert(changed.end(), {"--set", "stage.work.batch_size=2"});
  EXPECT_THAT(run(changed).err, HasSubstr("as it was begun"));
}

}  // namespace
}  // namespace sluice::cli
