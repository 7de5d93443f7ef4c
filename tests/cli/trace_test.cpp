// Traces and logs of whole runs. The trace is read by a program that knows only its format.
#include "cli/job_runs.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace sluice::cli {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

constexpr const char* job = R"(
[pipeline]
run_dir = "out"
mode = "streaming"
[input]
jsonl = "rows.jsonl"
[[stage]]
name = "work"
use = "synthetic"
batch_size = 4
settings = { service = "fixed", mean = "1ms" }
[[stage]]
name = "more"
use = "synthetic"
batch_size = 6
settings = { service = "fixed", mean = "1ms", fail = 0.2 }
attempts = 2
on_failure = "dead_letter"
[[stage]]
name = "write"
use = "jsonl.write"
settings = { path = "out.jsonl" }
)";

class TracedRun : public JobRuns {
 protected:
  static constexpr int rows = 240;

  void SetUp() override {
    write_rows(rows);
    write_job(job);
  }
  Json checked_trace() {
    const auto written = run({"report", "out", "--trace"});
    EXPECT_EQ(written.code, 0) << written.err;
    const auto checked =
        run_process({"python3", SLUICE_CHECK_TRACE, "out/trace.json"}, folder_.path());
    EXPECT_EQ(checked.code, 0) << checked.err;
    return checked.code == 0 ? Json::parse(checked.out) : Json();
  }
  Json metrics() { return Json::parse(run({"status", "out", "--json"}).out); }
};

class TracedRunOn : public TracedRun, public ::testing::WithParamInterface<int> {};

TEST_P(TracedRunOn, HasASpanForEachBatchAndAnArrowForEachPassage) {
  std::vector<std::string> arguments{"run", "job.toml", "--trace", "--set",
                                     "pipeline.max_dead_letters=1"};
  if (GetParam() == 0) arguments.insert(arguments.end(), {"--workers", "5"});
  const auto ended = run(arguments, GetParam());
  ASSERT_EQ(ended.code, 0) << ended.err;
  const auto trace = checked_trace();
  const auto stages = metrics().at("stages");
  for (const auto& stage : stages) {
    const auto name = "process " + stage.at("name").get<std::string>();
    EXPECT_EQ(trace.at("spans").at(name), stage.at("batches"));
  }
  EXPECT_GE(trace.at("flows"),
            stages.at(1).at("batches").get<int>() + stages.at(2).at("batches").get<int>());
  EXPECT_GE(trace.at("keys"), rows / 2);
  EXPECT_GE(trace.at("spans").at("setup setup"), 3);
}

INSTANTIATE_TEST_SUITE_P(Ranks, TracedRunOn, ::testing::Values(0, 5));

TEST_F(TracedRun, InBatchModeHasSpansAndNoArrows) {
  const auto ended = run({"run", "job.toml", "--trace", "--mode", "batch", "--workers", "3",
                          "--set", "pipeline.max_dead_letters=1"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  const auto trace = checked_trace();
  EXPECT_EQ(trace.at("flows"), 0);
  EXPECT_GE(trace.at("spans").at("process work"), rows / 4);
  EXPECT_GE(trace.at("spans").at("setup publish"), 2);
}

TEST_F(TracedRun, ANewRunForgetsTheOldTraceAndWithoutOneThereIsNone) {
  const auto begin = [&](const char* trace) {
    std::vector<std::string> arguments{
        "run", "job.toml", "--fresh", "--workers", "5", "--set", "pipeline.max_dead_letters=1"};
    if (*trace != '\0') arguments.emplace_back(trace);
    EXPECT_EQ(run(arguments).code, 0);
  };
  for (int i = 0; i < 2; ++i) begin("--trace");
  EXPECT_EQ(checked_trace().at("spans").at("process work"), rows / 4);
  begin("");
  const auto none = run({"report", "out", "--trace"});
  EXPECT_NE(none.code, 0);
  EXPECT_THAT(none.err, HasSubstr("'out' has no trace"));
}

// As people do: what stands between the backquotes goes to a shell.
TEST_F(TracedRun, WhatItSaysToTypeCanBeTyped) {
  const std::string run_dir = "it's \"my\" $HOME run";
  const auto ended = run({"run", "job.toml", "--trace", "--workers", "3", "--run-dir", run_dir,
                          "--set", "pipeline.max_dead_letters=1"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  const auto begin = ended.out.find("traced: `sluice ");
  ASSERT_NE(begin, std::string::npos) << ended.out;
  const auto words = begin + std::string("traced: `sluice ").size();
  const auto hint = ended.out.substr(words, ended.out.find('`', words) - words);
  const auto typed = run_process(
      {"sh", "-c", fmt::format("'{}' {}", sluice_command(0, {}).front(), hint)}, folder_.path());
  EXPECT_EQ(typed.code, 0) << typed.err;
  EXPECT_TRUE(std::filesystem::exists(folder_ / run_dir / "trace.json")) << hint;
}

TEST_F(TracedRun, DebugModeHasNone) {
  for (const auto* watch : {"--trace", "--page"}) {
    const auto ended = run({"run", "job.toml", "--mode", "debug", watch});
    EXPECT_EQ(ended.code, 2);
    EXPECT_THAT(ended.err, HasSubstr("debug mode has neither --trace nor --page"));
  }
}

TEST_F(TracedRun, AReportThatCannotBeMadeLeavesTheOldOne) {
  ASSERT_EQ(run({"run", "job.toml", "--workers", "3", "--set", "pipeline.max_dead_letters=1"}).code,
            0);
  store::write_text(folder_ / "out/trace.json", "as before");
  EXPECT_NE(run({"report", "out", "--trace"}).code, 0);
  EXPECT_EQ(store::read_text(folder_ / "out/trace.json"), "as before");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out/trace.json.part"));
  const auto nowhere = run({"report", "nowhere", "--trace"});
  EXPECT_EQ(nowhere.code, 3);
  EXPECT_THAT(nowhere.err, HasSubstr("nowhere"));
}

TEST_F(TracedRun, EachRankLogsWhatItDoesWithStageAndRecord) {
  const auto ended = run({"run", "job.toml", "--workers", "3", "--set",
                          "pipeline.max_dead_letters=1", "--set", "stage.work.workers=1"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(store::read_text(folder_ / "out/logs/rank-0.log"), HasSubstr("begins on 4 ranks"));
  std::string all;
  for (int rank = 1; rank <= 3; ++rank) {
    const auto log = store::read_text(folder_ / fmt::format("out/logs/rank-{}.log", rank));
    EXPECT_THAT(log, HasSubstr(fmt::format("info rank {} node ", rank)));
    EXPECT_THAT(log, HasSubstr("ended: well"));
    all += log;
  }
  EXPECT_THAT(all, HasSubstr("stage more record "));
  EXPECT_THAT(all, HasSubstr("stage write: set up as worker 0"));
}

TEST_F(TracedRun, GoesOnWhenLogsAndTracesCannotBeWritten) {
  std::filesystem::create_directories(folder_ / "out");
  for (const auto* name : {"out/logs", "out/trace"})
    store::write_text(folder_ / name, "in the way");
  const auto ended =
      run({"run", "job.toml", "--trace", "--workers", "3", "--set", "pipeline.max_dead_letters=1"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(metrics().at("done"), rows);
}

// On every rank's terminal it would be there eight times.
TEST_F(TracedRun, AnErrorStandsOnceOnTheTerminalAndInTheLogOfItsRank) {
  const auto ended = run({"run", "job.toml", "--set", "stage.more.on_failure=\"fail\""}, 8);
  EXPECT_NE(ended.code, 0);
  const std::string error = "sluice: error: stage 'more' failed";
  const auto first = ended.err.find(error);
  ASSERT_NE(first, std::string::npos) << ended.err;
  EXPECT_EQ(ended.err.find(error, first + 1), std::string::npos) << ended.err;
  std::string all;
  for (int rank = 0; rank < 8; ++rank) {
    all += store::read_text(folder_ / fmt::format("out/logs/rank-{}.log", rank));
  }
  EXPECT_THAT(all, HasSubstr("stage more: cannot go on: "));
}

}  // namespace
}  // namespace sluice::cli
