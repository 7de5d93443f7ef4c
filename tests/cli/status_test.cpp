// What the program says of runs that are under way, broken off, or at their end.
#include "cli/job_runs.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <thread>

namespace sluice::cli {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

constexpr const char* job = R"(
[pipeline]
run_dir = "out"
[input]
jsonl = "rows.jsonl"
[[stage]]
name = "work"
use = "synthetic"
settings = { service = "fixed", mean = "20ms" }
[[stage]]
name = "write"
use = "jsonl.write"
settings = { path = "out.jsonl" }
)";

class Status : public JobRuns {
 protected:
  void SetUp() override {
    write_rows(120);
    write_job(job);
  }
  std::string status() { return run({"status", "out"}).out; }
  Json report() { return Json::parse(run({"report", "out", "--json"}).out); }
};

TEST_F(Status, OfARunThatIsUnderWayThenKilledThenFinished) {
  std::string under_way;
  run_and_kill(sluice_command(0, {"run", "job.toml", "--workers", "2"}), folder_.path(), [&] {
    under_way = status();
    return under_way.find("running in process") != std::string::npos &&
           under_way.find(" 0 of 120") == std::string::npos;
  });
  EXPECT_THAT(under_way, HasSubstr(" of 120 done"));
  EXPECT_THAT(under_way, HasSubstr("write"));
  EXPECT_THAT(status(), HasSubstr("broken off: 'sluice resume out' goes on with it."));
  EXPECT_EQ(report().at("state"), "broken off");
  ASSERT_EQ(run({"resume", "out"}).code, 0);
  EXPECT_THAT(status(), HasSubstr("120 of 120 done (100%)"));
  EXPECT_THAT(status(), HasSubstr("finished."));
  const auto told = report();
  EXPECT_EQ(told.at("attempts").size(), 2u);
  EXPECT_EQ(told.at("analysis").at("bottleneck"), "work");
  ASSERT_EQ(told.at("slowest").size(), 20u);
  for (const auto& slow : told.at("slowest")) {
    EXPECT_EQ(slow.at("stage"), "work");
    EXPECT_GE(slow.at("seconds"), 0.02);
    EXPECT_NE(slow.at("key"), "");  // the number of a line
  }
  EXPECT_EQ(Json::parse(run({"status", "out", "--json"}).out).at("done"), 120);
  EXPECT_EQ(run({"report", "out"}).out, "out/report.html\n");
  EXPECT_EQ(run({"report", "out", "--json", "-o", "report.json"}).out, "report.json\n");
  EXPECT_EQ(Json::parse(store::read_text(folder_ / "report.json")).at("state"), "finished");
  EXPECT_THAT(store::read_text(folder_ / "out/report.html"), HasSubstr("<!DOCTYPE html>"));
  // The disk had no room for the last picture.
  const auto history = folder_ / "out/history.jsonl";
  std::filesystem::resize_file(history, std::filesystem::file_size(history) - 9);
  EXPECT_THAT(status(), HasSubstr("finished; this picture is from before"));
}

TEST_F(Status, ANewRunForgetsTheOldOne) {
  for (int i = 0; i < 2; ++i) {
    std::filesystem::remove(folder_ / "out/journal");
    ASSERT_EQ(run({"run", "job.toml", "--fresh", "--workers", "8"}).code, 0);
  }
  EXPECT_EQ(report().at("attempts").size(), 1u);
}

TEST_F(Status, KeysAndNamesForgeNoLinesAndTellATerminalNothing) {
  store::write_text(folder_ / "rows.jsonl", R"({"key": "a\n12:00:00 sluice: forged\u001b[2J"})"
                                            "\n");
  write_job(R"(
[pipeline]
run_dir = "my out"
[input]
jsonl = "rows.jsonl"
[[stage]]
name = "wo\nrk\u001b[2J"
use = "synthetic"
settings = { fail = 1.0 }
)");
  const auto ended = run({"run", "job.toml", "--workers", "1", "--progress", "plain"});
  const auto shown = run({"status", "my out"}).out;
  for (const auto& text : {ended.err, shown, store::read_text(folder_ / "my out/logs/rank-0.log"),
                           store::read_text(folder_ / "my out/logs/rank-1.log")}) {
    EXPECT_THAT(text, HasSubstr("wo?rk?[2J"));
    EXPECT_EQ(text.find_first_of("\x1b\r"), std::string::npos) << text;
    EXPECT_EQ(text.find("\n12:00:00"), std::string::npos) << text;
  }
  EXPECT_THAT(ended.err, HasSubstr("record 'a?12:00:00 sluice: forged?[2J'"));
  EXPECT_THAT(shown, HasSubstr("broken off: `sluice resume 'my out'` goes on with it."));
}

TEST_F(Status, ToWatchNoRunTakesNoLongerThanItMay) {
  const auto ended = run({"top", "nowhere", "--wait", "0.2"});
  EXPECT_NE(ended.code, 0);
  EXPECT_THAT(ended.err, HasSubstr("no run has begun in 'nowhere' yet"));
  EXPECT_THAT(ended.err, HasSubstr("'nowhere' has no history.jsonl"));
}

TEST_F(Status, OfNoRunIsAnError) {
  const auto ended = run({"status", "nowhere"});
  EXPECT_NE(ended.code, 0);
  EXPECT_THAT(ended.err, HasSubstr("'nowhere' has no history.jsonl"));
  ASSERT_EQ(run({"run", "job.toml", "--workers", "8"}).code, 0);
  const auto lost = run({"report", "out", "-o", "none/report.html"});
  EXPECT_EQ(lost.code, 8);
  EXPECT_THAT(lost.err, HasSubstr("cannot write 'none/report.html'"));
}

}  // namespace
}  // namespace sluice::cli
