#include "observe/screen.hpp"

#include "base/text_width.hpp"
#include "observe/recent.hpp"
#include "observe/some_run.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <sstream>
#include <vector>

namespace sluice::observe {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> screen(const RunStatus& status, ScreenSize size = {}) {
  return lines_of(screen_text(status, in_all(status), size));
}

// Ten stages and as many workers as a large machine has.
RunStatus large_run() {
  RunStatus status;
  status.pipeline = "annotate-documents";
  status.inputs = 10'000'000;
  status.done = 4'300'000;
  status.seconds = 3725;
  for (int k = 0; k < 30; ++k) {
    StageStatus stage;
    stage.name = fmt::format("a-stage-with-a-long-name-{}", k);
    stage.workers = 1000;
    stage.records_in = stage.records_out = 123'456'789;
    stage.filtered = 98'765'432;
    stage.dead = 12'345;
    stage.running = k == 20 ? 9e6 : 1e6;
    stage.starved = 1e6;
    status.stages.push_back(stage);
    status.channels.push_back({1, 1, 1, 1'000'000});
  }
  return status;
}

TEST(Screen, SaysHowFarTheRunIsAndMarksTheStageThatHoldsItUp) {
  const auto lines = screen(some_run());
  ASSERT_EQ(lines.size(), 7u);
  EXPECT_THAT(lines[0], HasSubstr("pages"));
  EXPECT_THAT(lines[2], HasSubstr("workers  run starve block    in   out  filt  dead queue rec/s"));
  EXPECT_THAT(lines[3], StartsWith("  read"));
  EXPECT_THAT(lines[4], StartsWith("> ocr"));
  EXPECT_THAT(lines[4], HasSubstr(" 90% "));
  EXPECT_EQ(lines[6], "2 changes of plan, 1 rank lost");
}

TEST(Screen, FitsWhateverTheSizeAndShowsTheBottleneck) {
  for (const ScreenSize size : {ScreenSize{80, 24}, {40, 10}, {200, 60}, {20, 3}, {1, 1}}) {
    const auto lines = screen(large_run(), size);
    EXPECT_LT(lines.size(), std::max<std::size_t>(size.rows, 6));
    EXPECT_TRUE(std::any_of(lines.begin(), lines.end(),
                            [](const auto& line) { return line.starts_with(bottleneck_mark); }) ||
                size.columns == 1);
    for (const auto& line : lines) EXPECT_LE(line.size(), size.columns) << line;
  }
}

TEST(Screen, KeepsNumbersApartHoweverLargeTheyAre) {
  const auto lines = screen(large_run());
  EXPECT_THAT(lines.at(5),
              HasSubstr(" 1000  50%    50%    0%  123M  123M 98.8M 12345 1.00M 33143"));
  EXPECT_THAT(lines.back(), HasSubstr("and 12 stages more"));
}

TEST(Screen, PassesNothingOnThatATerminalWouldObey) {
  auto status = some_run();
  status.pipeline = "a\x1b[2Jb\n";
  EXPECT_THAT(screen_text(status, in_all(status)), Not(HasSubstr("\x1b")));
  status.stages[0].name = "seiten-ü";
  EXPECT_THAT(screen(status).at(3), StartsWith("  seiten-ü       4"));
}

TEST(Screen, SaysRateAndTimeLeft) {
  RunStatus status;
  status.inputs = 120;
  status.done = 30;
  EXPECT_EQ(summary_line(status, 2), "30 of 120 done (25%), 2/s, 45 s left");
  status.done = 120;
  status.seconds = 15;
  status.finished = true;
  EXPECT_EQ(summary_line(status, 8), "120 of 120 done (100%), 8/s, took 15 s");
}

TEST(Screen, NumbersAndTimesAreShort) {
  EXPECT_EQ(readable_seconds(59.4), "59 s");
  EXPECT_EQ(readable_seconds(200), "3 min 20 s");
  EXPECT_EQ(readable_seconds(7500), "2 h 5 min");
  const std::pair<double, const char*> numbers[] = {
      {0, "0"},          {1.9, "1.9"},      {57, "57"},          {9999, "9999"},
      {99'999, "99999"}, {123'456, "123k"}, {999'499, "999k"},   {999'999, "1.00M"},
      {1e7, "10.0M"},    {1.8e19, "18.0E"}, {0.00012, "0.00012"}};
  for (const auto& [number, text] : numbers) EXPECT_EQ(short_number(number), text);
}

// A Japanese name, one of pictures, one with accents of their own, and one that is no text.
TEST(Screen, ColumnsStandBelowEachOtherWhateverTheNamesAre) {
  auto status = some_run();
  status.pipeline = "文書に注釈を付ける";
  const std::string bad = "\xE6\x9C";
  status.stages[0].name = "画像を読み込む";
  status.stages[1].name = "🙂🙂🙂 e\u0301te\u0301";
  status.stages[2].name = bad + "write";
  for (const std::size_t columns : {40u, 60u, 79u, 80u, 200u}) {
    const auto lines = screen(status, {columns, 24});
    const auto head = cells(lines.at(2));
    for (std::size_t k = 0; k < 3; ++k) EXPECT_EQ(cells(lines.at(3 + k)), head) << columns;
    for (const auto& line : lines) EXPECT_LT(cells(line), columns) << line;
    EXPECT_EQ(lines.at(5).find(bad), std::string::npos);
  }
  EXPECT_THAT(screen(status, {80, 24}).at(3), StartsWith("  画像を読み込む "));
}

// The second of three is at work, half a minute after the first, which took longer, ended.
TEST(Screen, InBatchModeTheStageThatIsAtWorkIsMarkedAndTheOthersRest) {
  auto status = some_run();
  status.channels.clear();
  for (auto& stage : status.stages) stage.expected.reset();
  status.stages[0].expected = 40;
  status.stages[1].expected = 1000;
  status.stages[1].records_in = 999;
  const auto lines = screen(status);
  EXPECT_THAT(lines.at(1), HasSubstr("stage 2 of 3, ocr: 999 of 1000 records (99%)"));
  EXPECT_THAT(lines.at(3), StartsWith("  read        -    -      -     -    40"));
  EXPECT_THAT(lines.at(4), StartsWith("> ocr         2  90%"));
  EXPECT_THAT(lines.at(4), ::testing::EndsWith("  67"));  // 999 in 15 s
  EXPECT_THAT(lines.at(5), StartsWith("  write       -    -"));
  EXPECT_EQ(stage_line(status), "ocr 2 workers 90% busy");
  status.finished = true;
  EXPECT_THAT(screen(status).at(3), StartsWith("  read        4  10%"));
}

}  // namespace
}  // namespace sluice::observe
