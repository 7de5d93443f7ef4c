#include "observe/progress.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>

namespace sluice::observe {
namespace {

RunStatus some_status() {
  RunStatus status;
  status.pipeline = "pages";
  status.inputs = 120;
  status.done = 30;
  status.seconds = 15;
  status.stages = {{.name = "read", .workers = 1, .records_in = 33, .records_out = 33},
                   {.name = "ocr", .workers = 2, .records_in = 31, .records_out = 30}};
  status.stages[0].running = 1;
  status.stages[0].blocked = 9;
  status.stages[1].running = 29;
  status.stages[1].starved = 1;
  return status;
}

// What `Progress` writes when it is shown the statuses one after the other.
std::string shown(bool terminal, const std::vector<RunStatus>& statuses) {
  std::FILE* out = std::tmpfile();
  Progress progress(out, terminal);
  for (const auto& status : statuses) progress(status);
  std::string text(static_cast<std::size_t>(std::ftell(out)), '\0');
  std::rewind(out);
  EXPECT_EQ(std::fread(text.data(), 1, text.size(), out), text.size());
  std::fclose(out);
  return text;
}

TEST(RecentRate, ForgetsWhatIsOlderThanItsWindow) {
  RecentRate rate(10);
  EXPECT_DOUBLE_EQ(rate.note(5, 50), 10);
  EXPECT_DOUBLE_EQ(rate.note(10, 50), 5);
  EXPECT_DOUBLE_EQ(rate.note(20, 70), 2);
  EXPECT_DOUBLE_EQ(rate.note(30, 70), 0);
}

TEST(Progress, SaysRateAndTimeLeft) {
  EXPECT_EQ(summary_line(some_status(), 2), "30 of 120 done (25%), 2/s, 45 s left");
  auto status = some_status();
  status.done = 120;
  status.finished = true;
  EXPECT_EQ(summary_line(status, 8), "120 of 120 done (100%), 8/s, took 15 s");
}

TEST(Progress, PlainLinesComeEveryFewSecondsAndAtTheEnd) {
  auto first = some_status();
  auto soon = first;
  soon.seconds += 1;
  auto last = soon;
  last.finished = true;
  const auto text = shown(false, {first, soon, last});
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  EXPECT_NE(text.find("read 1 worker 10% busy, ocr 2 workers 97% busy"), std::string::npos) << text;
}

TEST(Progress, ATerminalIsRedrawnInPlace) {
  const auto text = shown(true, {some_status(), some_status()});
  EXPECT_NE(text.find("\x1b[5A"), std::string::npos) << text;
  EXPECT_NE(text.find("[#######......"), std::string::npos) << text;
}

TEST(Progress, LongTimesAreReadable) {
  EXPECT_EQ(readable_seconds(59.4), "59 s");
  EXPECT_EQ(readable_seconds(200), "3 min 20 s");
  EXPECT_EQ(readable_seconds(7500), "2 h 5 min");
}

}  // namespace
}  // namespace sluice::observe
