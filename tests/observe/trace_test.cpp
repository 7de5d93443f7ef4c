#include "observe/trace.hpp"

#include "observe/trace_clocks.hpp"
#include "store/scratch_folder.hpp"
#include "store/trace_file.hpp"

#include <sluice/error.hpp>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>

namespace sluice::observe {
namespace {

using Json = nlohmann::json;
using store::TraceState;

TEST(TraceClocks, PutForwardAClockByWhichRecordsWouldComeTooEarly) {
  TraceClocks clocks;
  clocks.note({1, 0}, 100, 1000);
  clocks.note({1, 1}, 5, 1000.5);  // which is a second late
  clocks.note({1, 2}, 7, 1001);
  clocks.note_passage({1, 0}, 102, {1, 1}, 6);  // 1002 to 1001.5
  clocks.note_passage({1, 0}, 102, {1, 1}, 9);
  clocks.note_passage({1, 1}, 9, {1, 0}, 105.5);
  clocks.note_passage({1, 1}, 6, {1, 2}, 8);  // 1002 to 1002, once the first is mended
  clocks.settle();
  EXPECT_DOUBLE_EQ(clocks.time({1, 0}, 100), 1000);
  EXPECT_DOUBLE_EQ(clocks.time({1, 1}, 6), 1002);
  EXPECT_DOUBLE_EQ(clocks.time({1, 2}, 8), 1002);
  EXPECT_DOUBLE_EQ(clocks.correction(), 0.5);
}

TEST(TraceClocks, ThatCannotBeRightAllTheSameCometToAnEnd) {
  TraceClocks clocks;
  clocks.note({1, 0}, 0, 0);
  clocks.note({1, 1}, 0, 0);
  clocks.note_passage({1, 0}, 2, {1, 1}, 1);
  clocks.note_passage({1, 1}, 2, {1, 0}, 1);
  clocks.settle();
  EXPECT_GT(clocks.correction(), 0);
}

// Ranks 1 and 2 on two nodes, whose clocks have nothing to do with each other: each batch of three
// records that rank 1 makes is a batch of rank 2.
class Trace : public ::testing::Test {
 protected:
  static constexpr int batches = 4;

  void SetUp() override {
    store::TraceWriter first(store::trace_path(folder_.path(), 5, 1));
    first.add(store::TraceHead{5, 1, 0, 1000, 5000, "a", "p", {"make \"it\"", "take"}});
    store::TraceWriter second(store::trace_path(folder_.path(), 5, 2));
    second.add(store::TraceHead{5, 2, 1, 10, 4999, "b", "p", {"make \"it\"", "take"}});
    first.add(store::TraceSpan{TraceState::setup, 0, 1000.5, 1001});
    for (int i = 0; i < batches; ++i) {
      first.add(batch(0, i, 1001 + i, 1001.5 + i));
      first.add(store::TraceSend{1001.6 + i, 0, 0, number(i), 3, number(i)});
      second.add(batch(1, i, 11.7 + i, 12.2 + i));
      second.add(store::TraceSpan{TraceState::starved, 1, 12.2 + i, 12.6 + i});
    }
  }
  static std::uint64_t number(int i) { return static_cast<std::uint64_t>(i); }
  static store::TraceBatch batch(std::uint32_t stage, int i, double begin, double end) {
    return {{{TraceState::process, stage, begin, end}, 0, number(i), 0, 3, 2, 0, 1}, {"k"}};
  }
  Json written(std::size_t most_names = 1000) {
    std::ostringstream out;
    write_trace(folder_.path(), out, most_names);
    return Json::parse(out.str());
  }

  store::ScratchFolder folder_;
};

TEST_F(Trace, HasEachSpanAndAFlowFromEachBatchToTheNext) {
  std::map<std::string, int> kinds;
  std::map<int, double> left;
  const auto json = written();
  for (const auto& event : json.at("traceEvents")) {
    const std::string kind = event.at("ph");
    ++kinds[kind];
    if (kind == "s") left[event.at("id")] = event.at("ts");
    if (kind == "f") {
      EXPECT_GE(event.at("ts").get<double>(), left.at(event.at("id")));
      EXPECT_EQ(event.at("pid"), 3);
    }
  }
  EXPECT_EQ(kinds["X"], 1 + 3 * batches);
  EXPECT_EQ(kinds["s"], batches);
  EXPECT_EQ(kinds["f"], batches);
}

TEST_F(Trace, NamesStagesAndKeysAndSaysWhatItDidWithTheClocks) {
  const auto json = written();
  std::vector<Json> spans;
  for (const auto& event : json.at("traceEvents")) {
    if (event.value("cat", "") == "process") spans.push_back(event);
  }
  ASSERT_EQ(spans.size(), 2u * batches);
  EXPECT_EQ(spans.front().at("name"), "make \"it\"");
  EXPECT_EQ(spans.front().at("args").at("keys"), Json({"k"}));
  EXPECT_EQ(spans.front().at("args").at("dead"), 1);
  EXPECT_DOUBLE_EQ(spans.front().at("ts").get<double>(), 1.1e6);  // since 4999.9
  EXPECT_THAT(json.at("otherData").at("clocks"), ::testing::HasSubstr("put forward, by 0.900000"));
}

TEST_F(Trace, IsTheSameHoweverFewBatchesItKeepsInMemory) {
  const auto sorted = [](Json json) {
    auto events = json.at("traceEvents").get<std::vector<Json>>();
    for (auto& event : events) event.erase("id");  // of arrows, in the order in which they come
    std::sort(events.begin(), events.end());
    return events;
  };
  EXPECT_EQ(sorted(written(1)), sorted(written()));
  EXPECT_EQ(written(1).at("otherData"), written().at("otherData"));
}

TEST_F(Trace, SaysWhereARankIsNotHeardOfAnyMore) {
  const auto told = [this] {
    int count = 0;
    const auto json = written();
    for (const auto& event : json.at("traceEvents")) {
      if (event.at("ph") != "i") continue;
      EXPECT_EQ(event.at("pid"), 3);
      EXPECT_THAT(event.at("name").get<std::string>(), ::testing::StartsWith("nothing more"));
      ++count;
    }
    return count;
  };
  EXPECT_EQ(told(), 0);
  const auto path = store::trace_path(folder_.path(), 5, 2);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  EXPECT_EQ(told(), 1);
}

TEST_F(Trace, OfARunWithoutOneIsAnError) {
  store::forget_traces(folder_.path());
  EXPECT_THROW(written(), InputError);
}

}  // namespace
}  // namespace sluice::observe
