#include "observe/history.hpp"

#include "observe/some_run.hpp"
#include "observe/status_json.hpp"
#include "store/scratch_folder.hpp"

#include <sluice/error.hpp>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace sluice::observe {
namespace {

using std::chrono::milliseconds;
using store::ScratchFolder;
using Time = std::chrono::system_clock::time_point;

const Time start{std::chrono::seconds(1'700'000'000)};

// A picture a second of an attempt that began at `from`.
void note(History& history, Time from, int seconds, bool finished = false) {
  auto status = some_run();
  status.seconds = seconds;
  status.finished = finished;
  std::erase_if(status.replans, [=](const Replan& replan) { return replan.at > seconds; });
  std::erase_if(status.lost, [=](const LostRank& lost) { return lost.at > seconds; });
  history.note(status, from + std::chrono::seconds(seconds));
}

TEST(StatusJson, ComesBackAsItWas) {
  const auto json = to_json(some_run());
  EXPECT_EQ(to_json(status_of(json)), json);
  EXPECT_EQ(status_of(json).stages.at(2).expected, 99u);
  EXPECT_EQ(status_of(json).replans.at(1).reason, "two");
  EXPECT_EQ(status_of(json).slowest, some_run().slowest);
}

TEST(History, SlowestBatchesAreWrittenWhenTheyAreNews) {
  const ScratchFolder folder;
  History history(folder.path());
  auto status = some_run();
  history.note(status, start);
  history.note(status, start + std::chrono::seconds(1));
  const auto before = status.slowest;
  status.slowest.front().seconds = 9;
  history.note(status, start + std::chrono::seconds(2));
  const auto text = store::read_text(folder / "history.jsonl");
  EXPECT_NE(text.find("\"slowest\":[]"), std::string::npos);
  const auto moments = read_history(folder.path());
  ASSERT_EQ(moments.size(), 3u);
  EXPECT_EQ(moments[1].status.slowest, before);
  EXPECT_EQ(moments[2].status.slowest, status.slowest);
}

TEST(History, EachPictureHasTheDecisionsOfItsAttemptSoFar) {
  const ScratchFolder folder;
  History history(folder.path());
  for (int second = 1; second <= 12; ++second) note(history, start, second);
  History(folder.path()).note(some_run(), start + std::chrono::hours(1));
  const auto moments = read_history(folder.path());
  ASSERT_EQ(moments.size(), 13u);
  EXPECT_EQ(moments[1].status.replans.size(), 0u);
  EXPECT_EQ(moments[5].status.replans.size(), 1u);
  EXPECT_EQ(moments[11].status.replans.size(), 2u);
  EXPECT_EQ(moments[11].status.lost.size(), 1u);
  EXPECT_EQ(moments[0].began, moments[11].began);
  EXPECT_NE(moments[11].began, moments[12].began);
  EXPECT_EQ(moments[12].status.replans.size(), 2u);
}

TEST(History, ATornLineCostsOnePicture) {
  const ScratchFolder folder;
  const auto path = folder / "history.jsonl";
  History history(folder.path());
  for (int second = 1; second <= 2; ++second) note(history, start, second);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 9);
  note(history, start, 3, true);
  const auto moments = read_history(folder.path());
  ASSERT_EQ(moments.size(), 2u);
  EXPECT_TRUE(moments.back().status.finished);
}

TEST(History, OfAnotherVersionIsSaidToBe) {
  const ScratchFolder folder;
  std::ofstream(folder / "history.jsonl") << "{\"time\":1}\n";
  try {
    read_history(folder.path());
    FAIL();
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("another version"), std::string::npos);
  }
}

TEST(History, OfALongRunIsThinnedButHasItsEnd) {
  const ScratchFolder folder;
  History history(folder.path(), 100);
  for (int second = 1; second <= 20'000; ++second) note(history, start, second);
  note(history, start, 20'001, true);
  const auto moments = read_history(folder.path());
  EXPECT_LT(moments.size(), 700u);
  EXPECT_GT(moments.size(), 100u);
  EXPECT_TRUE(moments.back().status.finished);
  EXPECT_EQ(moments.back().status.replans.size(), 2u);
  EXPECT_TRUE(std::is_sorted(moments.begin(), moments.end(),
                             [](const auto& a, const auto& b) { return a.time < b.time; }));
}

TEST(History, WhatIsNoPictureIsLeftOut) {
  const ScratchFolder folder;
  History history(folder.path());
  note(history, start, 1);
  auto text = store::read_text(folder / "history.jsonl");
  store::write_text(folder / "history.jsonl", "{}\nnothing\n" + text + text.substr(0, 99));
  EXPECT_EQ(read_history(folder.path()).size(), 1u);
  History(folder.path()).begin();
  EXPECT_THROW(read_history(folder.path()), InputError);
}

TEST(History, AFolderThatIsGoneStopsNothing) {
  History history("/nonexistent/run");
  note(history, start, 1);
  note(history, start, 2, true);
}

TEST(History, TheLastPictureIsThereAsMetrics) {
  const ScratchFolder folder;
  History history(folder.path());
  note(history, start, 15);
  const auto text = store::read_text(folder / "metrics.prom");
  EXPECT_NE(text.find("# TYPE sluice_inputs_done gauge\n"
                      "sluice_inputs_done{pipeline=\"pages \\\"of\\\" <x>\"} 40\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find(",stage=\"ocr\",state=\"running\"} 27\n"), std::string::npos) << text;
}

// A library would read -1 as a count of 18 trillion millions.
TEST(History, LinesWithNumbersThatCannotBeAreLeftOut) {
  const ScratchFolder folder;
  History history(folder.path());
  note(history, start, 3);
  const auto line = store::read_text(folder / "history.jsonl");
  const auto good = nlohmann::ordered_json::parse(line);
  int tried = 0;
  const auto values = good.flatten();
  for (const auto& [place, value] : values.items()) {
    if (!value.is_number() || place.ends_with("/gain") || place.ends_with("/cost")) continue;
    for (const auto* bad : {"-1", "1e300", "\"7\"", "18446744073709551615", "[]", "{}"}) {
      auto json = good;
      json[nlohmann::ordered_json::json_pointer(place)] = nlohmann::ordered_json::parse(bad);
      store::write_text(folder / "history.jsonl", line + json.dump() + '\n');
      std::size_t left_out = 0;
      EXPECT_EQ(read_history(folder.path(), &left_out).size(), 1u) << place << ' ' << bad;
      EXPECT_EQ(left_out, 1u) << place << ' ' << bad;
      ++tried;
    }
  }
  EXPECT_GT(tried, 100);
}

TEST(History, LinesOutOfOrderAreLeftOut) {
  const ScratchFolder folder;
  for (const int second : {1, 2, 900, 3, 4, 1, 5}) {
    History history(folder.path());
    note(history, start, second);
  }
  std::size_t left_out = 0;
  std::vector<double> seconds;
  for (const auto& moment : read_history(folder.path(), &left_out)) {
    seconds.push_back(moment.status.seconds);
  }
  EXPECT_EQ(seconds, (std::vector<double>{1, 2, 3, 4, 5}));
  EXPECT_EQ(left_out, 2u);
}

TEST(History, ALineWithoutEndIsNoneAndOneOfManyMegabytesTakesNoMemory) {
  const ScratchFolder folder;
  History history(folder.path());
  note(history, start, 1);
  const auto line = store::read_text(folder / "history.jsonl");
  const std::string nested(10'000'000, '[');
  store::write_text(folder / "history.jsonl", nested + '\n' + line + line.substr(0, 40));
  std::size_t left_out = 0;
  EXPECT_EQ(read_history(folder.path(), &left_out).size(), 1u);
  EXPECT_EQ(left_out, 1u);
}

}  // namespace
}  // namespace sluice::observe
