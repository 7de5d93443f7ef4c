// Groups of ranks as threads of one process.
#include "runtime/poison.hpp"
#include "runtime/teams.hpp"
#include "store/scratch_folder.hpp"

#include <chrono>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using namespace std::chrono_literals;
using testing::Item;
using testing::items;
using testing::Team;
using testing::team_run;
using testing::Torn;

template <class S>
PipelineSpec<Item, Item> with_team(S team, StageSpec spec, int count) {
  spec.name = "team";
  const auto pipeline = Pipeline<Item>("teams").then(std::move(team), spec);
  return team_run(pipeline, count);
}

TEST(Groups, AllRanksGetEachBatchAndThePrimaryAnswers) {
  // A stage's only worker is told beforehand where its outputs go.
  for (const auto& [size, workers] : {std::pair(2, 2), {4, 2}, {2, 1}, {4, 1}}) {
    const auto pipeline =
        Pipeline<Item>("teams")
            .then(testing::Stamp(""), {.name = "before", .batch_size = 3, .workers = 2})
            .then(Team(), {.name = "team",
                           .batch_size = 4,
                           .spmd = static_cast<std::size_t>(size),
                           .workers = static_cast<std::size_t>(workers)})
            .then(testing::Stamp(""), {.name = "after", .batch_size = 4, .workers = 1});
    const auto result = run_pipeline(team_run(pipeline, 200));
    EXPECT_EQ(result.outputs, Team::expected(200, size));
    EXPECT_EQ(result.status.stages[1].records_in, 200u);
  }
}

TEST(Groups, InDebugModeOneRankIsTheGroup) {
  auto spec = with_team(Team(), {.spmd = 4}, 10);
  spec.options.mode = Mode::debug;
  EXPECT_EQ(run_pipeline(spec).outputs, Team::expected(10, 1));
}

TEST(Groups, BatchModeRefusesThem) {
  auto spec = with_team(Team(), {.spmd = 2}, 10);
  spec.options.mode = Mode::batch;
  EXPECT_THROW(run_pipeline(spec), UsageError);
}

// The others are in an allreduce then, which must end. The batch is tried again, once for all.
TEST(Groups, ABatchThatOneRankFailsOnIsTriedAgain) {
  for (const int rank : {0, 1, 3}) {
    SCOPED_TRACE("rank " + std::to_string(rank));
    auto spec =
        with_team(Torn(rank, 7, 1), {.batch_size = 4, .spmd = 4, .workers = 1, .attempts = 2}, 40);
    EXPECT_EQ(run_pipeline(spec).outputs, Team::expected(40, 4));
  }
}

TEST(Groups, ARecordThatOneRankAlwaysFailsOnIsADeadLetter) {
  const store::ScratchFolder folder;
  auto spec = with_team(Torn(1, 7, 1000),
                        {.batch_size = 4,
                         .spmd = 2,
                         .workers = 1,
                         .attempts = 2,
                         .on_failure = OnFailure::dead_letter},
                        40);
  spec.options.run_dir = folder.path();
  auto expected = Team::expected(40, 2);
  expected.erase(expected.begin() + 7);
  EXPECT_EQ(run_pipeline(spec).outputs, expected);
  const auto letters = testing::letters_in(folder.path());
  ASSERT_EQ(letters.size(), 1u);
  EXPECT_EQ(letters[0].input, 7u);
  EXPECT_NE(letters[0].error.find("rank 1 of the group: torn"), std::string::npos)
      << letters[0].error;
}

/// What the error of a run says; empty if there is none.
std::string error_of(const PipelineSpec<Item, Item>& spec) {
  try {
    run_pipeline(spec);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST(Groups, WithoutAttemptsTheRunEndsAndNamesTheRank) {
  const auto error = error_of(with_team(Torn(1, 7, 1), {.spmd = 2, .workers = 1}, 40));
  EXPECT_NE(error.find("rank 1 of the group: torn"), std::string::npos) << error;
}

/// Ranks that do not agree on what they do.
class Astray : public Stage<Item, Item> {
 public:
  explicit Astray(int way) : way_(way) {}
  void setup(const WorkerContext& context) override { group_ = context.group; }
  void process(Batch<Item>&, Emitter<Item>&) override {
    const bool primary = group_->rank() == 0;
    if (way_ == 0 && primary) group_->barrier();
    if (way_ == 1 && !primary) group_->barrier();
    if (way_ == 2) group_->allreduce(std::vector<double>(primary ? 1 : 2));
  }

 private:
  int way_;
  std::shared_ptr<Group> group_;
};

TEST(Groups, RanksThatDisagreeAreToldSoInsteadOfHanging) {
  for (const int way : {0, 1, 2}) {
    const auto error = error_of(with_team(Astray(way), {.spmd = 3, .workers = 1}, 4));
    EXPECT_NE(error.find("all ranks must call the same"), std::string::npos) << error;
  }
}

TEST(Groups, AreSetUpAgainAsAWholeWhenTheyAreOld) {
  class Slow : public Team {
    void work_on(int) override { std::this_thread::sleep_for(2ms); }
  };
  auto spec = with_team(Slow(), {.spmd = 2, .workers = 2, .max_worker_lifetime = 50ms}, 200);
  EXPECT_EQ(run_pipeline(spec).outputs, Team::expected(200, 2));
}

// The plan thinks that both stages are alike; the team is slower, and ranks must move to it, in
// pairs.
TEST(GroupsSoak, TheAutoscalerMovesWholeGroups) {
  class Slow : public Team {
    void work_on(int) override { std::this_thread::sleep_for(8ms); }
  };
  const auto pipeline = Pipeline<Item>("teams")
                            .then(testing::SlowStamp("", 1000us), {.name = "single", .speed = 10})
                            .then(Slow(), {.name = "team", .speed = 10, .spmd = 2});
  auto spec = team_run(pipeline, 3000);
  spec.options.workers = 12;
  const auto result = run_pipeline(spec);
  EXPECT_EQ(result.outputs, Team::expected(3000, 2));
  EXPECT_FALSE(result.status.replans.empty());
}

}  // namespace
}  // namespace sluice
