#include "runtime/decision_text.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::runtime {
namespace {

control::StageOutlook stage(std::string name, std::uint64_t before, std::uint64_t after) {
  control::StageOutlook stage;
  stage.name = std::move(name);
  stage.workers = before;
  stage.workers_after = after;
  stage.remaining = 6280;
  return stage;
}

control::Decision decision(std::vector<control::StageOutlook> stages, std::size_t bottleneck) {
  control::Decision made;
  made.stages = std::move(stages);
  made.bottleneck = bottleneck;
  made.moved = 7;
  made.time_left = 114.62;
  made.time_left_after = 72.39;
  return made;
}

TEST(DecisionText, IsShortOnTheTerminalAndFullInTheLog) {
  const auto made = decision({stage("one", 5, 2), stage("two", 12, 19), stage("end", 6, 2)}, 1);
  EXPECT_EQ(short_text_of(made, 80),
            "115 s left become 72.4 s: two (slowest) 12->19, end 6->2, one 5->2");
  EXPECT_NE(text_of(made).find("end 6 -> 2 workers (speed not known, 6280 records to go)"),
            std::string::npos);
}

TEST(DecisionText, NamesAsManyStagesAsFit) {
  std::vector<control::StageOutlook> stages;
  for (int i = 0; i < 10; ++i) stages.push_back(stage("stage-" + std::to_string(i), 9, 7));
  stages[4] = stage("stage-4", 9, 27);
  EXPECT_EQ(short_text_of(decision(stages, 4)),
            "115 s left become 72.4 s: stage-4 (slowest) 9->27, …");
  EXPECT_EQ(short_text_of(decision(stages, 4), 79),
            "115 s left become 72.4 s: stage-4 (slowest) 9->27, stage-0 9->7, …");
}

TEST(DecisionText, NamesTheSlowestThoughItStaysAsItIs) {
  EXPECT_EQ(short_text_of(decision({stage("one", 5, 6), stage("two", 3, 3)}, 1)),
            "115 s left become 72.4 s: two (slowest) 3->3, one 5->6");
}

}  // namespace
}  // namespace sluice::runtime
