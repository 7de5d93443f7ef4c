#include "observe/report.hpp"

#include "observe/analysis.hpp"
#include "observe/some_run.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace sluice::observe {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::ordered_json;

TEST(Analysis, FindsTheBottleneckAndItsSpeedOfLight) {
  const auto analysis = analyse(some_run());
  ASSERT_EQ(analysis.bottleneck, 1u);
  EXPECT_DOUBLE_EQ(analysis.stages[1].busy, 0.9);
  EXPECT_DOUBLE_EQ(analysis.stages[0].blocked, 0.9);
  EXPECT_DOUBLE_EQ(*analysis.stages[1].speed, 35.0 / 27);
  EXPECT_DOUBLE_EQ(analysis.throughput, 2);
  EXPECT_DOUBLE_EQ(*analysis.speed_of_light, 2 / 0.9);
  ASSERT_EQ(analysis.advice.size(), 3u);
  EXPECT_THAT(analysis.advice[0], HasSubstr("'ocr' was busy 90%"));
  EXPECT_THAT(analysis.advice[1], HasSubstr("workers of 'read' waited"));
  EXPECT_THAT(analysis.advice[2], HasSubstr("2 records could not be processed"));
}

TEST(Analysis, OfStagesOneByOneFindsTheLongest) {
  RunStatus status;
  status.seconds = 12;
  status.done = 60;
  status.stages = {{.name = "split", .workers = 2, .running = 18, .expected = 60},
                   {.name = "busy", .workers = 4, .running = 4, .expected = 60},
                   {.name = "out", .workers = 1, .running = 1, .setup = 1}};
  const auto analysis = analyse(status);
  EXPECT_EQ(analysis.bottleneck, 0u);
  EXPECT_FALSE(analysis.speed_of_light);
  ASSERT_EQ(analysis.advice.size(), 1u);
  EXPECT_THAT(analysis.advice[0], HasSubstr("'split' took 75% of the stages' time"));
}

TEST(Analysis, OfARunThatDidNothingSaysNothing) {
  RunStatus status;
  status.stages = {{.name = "read"}};
  const auto analysis = analyse(status);
  EXPECT_FALSE(analysis.bottleneck);
  EXPECT_FALSE(analysis.speed_of_light);
  EXPECT_TRUE(analysis.advice.empty());
}

RunStory some_story() {
  RunStory story{
      "broken off", {{100, 85, some_run()}, {101, 85, some_run()}, {500, 485, some_run()}}, {}};
  story.moments[1].status.seconds += 1;
  story.dead.resize(2);
  story.dead[0].key = "</script><b>";
  story.dead[1].key = "<!--<script>";
  return story;
}

TEST(Report, TellsAttemptsApart) {
  const auto json = report_json(some_story());
  ASSERT_EQ(json.at("attempts").size(), 2u);
  EXPECT_EQ(json.at("attempts").at(0).at("moments").size(), 2u);
  EXPECT_EQ(json.at("analysis").at("bottleneck"), "ocr");
}

TEST(Report, TheSlowestBatchesAreThoseOfAllAttempts) {
  auto story = some_story();
  story.moments[2].status.slowest.assign(15, {"write", "p 9", 1, 2, 1});
  story.moments[1].status.slowest.resize(9, {"read", "p 2", 1, 1, 0.25});
  const auto slowest = report_json(story).at("slowest");
  ASSERT_EQ(slowest.size(), 20u);
  EXPECT_EQ(slowest.at(0).at("key"), "p 7");  // of the first attempt's last picture
  EXPECT_EQ(slowest.at(1).at("stage"), "write");
  EXPECT_EQ(slowest.at(15).at("seconds"), 1);
  EXPECT_EQ(slowest.at(16).at("seconds"), 0.5);
  EXPECT_EQ(slowest.at(19).at("seconds"), 0.25);
}

TEST(Report, ThePageHoldsTheDataAndNothingInItEndsTheScript) {
  const auto page = report_page(some_story());
  const std::string open = "<script type=\"application/json\" id=\"run\">";
  const auto begin = page.find(open) + open.size();
  const auto data = page.substr(begin, page.find("</script>", begin) - begin);
  EXPECT_EQ(Json::parse(data), report_json(some_story()));
  EXPECT_EQ(data.find('<'), std::string::npos);
  EXPECT_EQ(page.find("http://www.w3.org/2000/svg"), page.rfind("http"));  // needs no network
}

}  // namespace
}  // namespace sluice::observe
