#include "runtime/run_journal.hpp"

#include <gmock/gmock.h>

#include <sluice/error.hpp>

namespace sluice::runtime {
namespace {

using ::testing::HasSubstr;

std::vector<std::string> journal() {
  Commit commit;
  commit.settled.done.add(store::SplitRange{1001, 1002});
  commit.settled.dead.add(store::SplitRange{1003, 1});
  commit.parts.push_back({1004, "part", 1005});
  commit.written[1006].add(store::SplitRange{5001, 1008});
  commit.written[1006].add(RecordId{7001, RecordPath().child(1010)});
  return {opening_entry({"input", "stage"}, 1011), attempt_entry(1012), commit_entry(commit),
          outputs_entry({{{"part"}, "out", 1013}})};
}

TEST(RunJournal, ComesBackAsItWasWritten) {
  const auto state = replay(journal());
  EXPECT_EQ(state.inputs, 1011u);
  EXPECT_EQ(state.attempts, 1012u);
  EXPECT_TRUE(state.done.contains(2002));
  EXPECT_TRUE(state.dead.contains(1003));
  EXPECT_EQ(state.parts.at(0).records, 1005u);
  EXPECT_EQ(state.outputs.at(0).merged_by, 1013u);
}

TEST(RunJournal, WithANumberThatIsNotWholeIsRefused) {
  for (const auto* number : {"1001", "1002", "1003", "1004", "1005", "1006", "5001", "1008", "7001",
                             "1010", "1011", "1012", "1013"}) {
    for (const auto* other : {"1.5", "1e30", "-1", "1001.0"}) {
      auto entries = journal();
      bool found = false;
      for (auto& entry : entries) {
        const auto at = entry.find(number);
        if (at == std::string::npos) continue;
        found = true;
        entry.replace(at, 4, other);
      }
      ASSERT_TRUE(found) << number;
      try {
        replay(entries);
        ADD_FAILURE() << other << " for " << number;
      } catch (const InputError& error) {
        EXPECT_THAT(error.what(), HasSubstr("of the journal")) << number;
        EXPECT_THAT(error.what(), HasSubstr("whole number")) << number;
      }
    }
  }
}

TEST(RunJournal, WithRangesThatAreNoneIsRefused) {
  const auto opening = opening_entry({"input"}, 10);
  EXPECT_THROW(replay({opening, R"({"done":[1,2,3]})"}), InputError);
  EXPECT_THROW(replay({opening, R"({"done":[2,18446744073709551615]})"}), InputError);
  EXPECT_EQ(replay({opening, R"({"done":[1,2,5,1]})"}).done.size(), 3u);
}

}  // namespace
}  // namespace sluice::runtime
