#include "observe/progress.hpp"

#include "base/log.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

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
std::string shown(std::optional<ProgressForm> form, const std::vector<RunStatus>& statuses) {
  std::FILE* out = std::tmpfile();
  {
    Progress progress(::fileno(out), form);
    for (const auto& status : statuses) progress(status);
  }
  std::string text(1 << 16, '\0');
  std::rewind(out);
  text.resize(std::fread(text.data(), 1, text.size(), out));
  std::fclose(out);
  return text;
}

TEST(Progress, PlainLinesComeEveryFewSecondsAndAtTheEnd) {
  const auto first = some_status();
  auto soon = first;
  soon.seconds += 1;
  auto last = soon;
  last.finished = true;
  const auto text = shown({}, {first, soon, last});  // a file is no terminal
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  EXPECT_NE(text.find("read 1 worker 10% busy, ocr 2 workers 97% busy"), std::string::npos) << text;
}

TEST(Progress, AScreenIsRedrawnInPlace) {
  const auto text = shown(ProgressForm::screen, {some_status(), some_status()});
  EXPECT_NE(text.find("\x1b[5A"), std::string::npos) << text;
  EXPECT_NE(text.find("[#######"), std::string::npos) << text;
}

TEST(Progress, ALineOfTheLogStandsAboveTheScreenAndNotInIt) {
  std::FILE* out = std::tmpfile();
  Progress progress(::fileno(out), ProgressForm::screen);
  progress(some_status());
  const auto drawn = ::lseek(::fileno(out), 0, SEEK_CUR);
  run_log().info("something happened");
  std::string text(1 << 12, '\0');
  text.resize(static_cast<std::size_t>(::pread(::fileno(out), text.data(), text.size(), drawn)));
  EXPECT_EQ(text, "\x1b[5A\x1b[J");
  std::fclose(out);
}

TEST(Progress, InJsonEachPictureIsALine) {
  const auto text = shown(ProgressForm::json, {some_status(), some_status()});
  ASSERT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  const auto json = nlohmann::json::parse(text.substr(0, text.find('\n')));
  EXPECT_EQ(json.at("done"), 30);
  EXPECT_EQ(json.at("rate"), 2);
  EXPECT_EQ(shown(ProgressForm::quiet, {some_status()}), "");
}

}  // namespace
}  // namespace sluice::observe
