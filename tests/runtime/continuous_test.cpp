#include "runtime/continuous.hpp"

#include "store/scratch_folder.hpp"

#include <gmock/gmock.h>

namespace sluice {
namespace {

using testing::Crowd;
using ::testing::HasSubstr;
using testing::Item;
using testing::items;
using testing::largest_crowd;
using testing::numbers;
using testing::numbers_below;
using testing::Stamp;

RunResult<Item> run(const Pipeline<Item, Item>& pipeline, int count, RunOptions options = {}) {
  PipelineSpec spec(pipeline, items(count));
  spec.collect = true;
  spec.options = std::move(options);
  spec.options.launch = Launch::threads;
  return run_pipeline(spec);
}

StageSpec deep(std::size_t depth) {
  return {.name = "crowd", .batch_size = 2, .workers = 1, .depth = depth};
}

TEST(Continuous, HasAsManyBatchesAtOnceAsItsDepthAndNoMore) {
  const auto result = run(Pipeline<Item>("p").then(Crowd({.gather = 8}), deep(8)), 400);
  EXPECT_EQ(largest_crowd(result.outputs), 8);
  EXPECT_EQ(numbers(result.outputs), numbers_below(400));
  EXPECT_EQ(result.status.stages[0].batches, 200u);
  ASSERT_EQ(result.status.slowest.size(), 20u);
  EXPECT_EQ(result.status.slowest.front().records, 2u);
  EXPECT_GT(result.status.slowest.back().seconds, 0);
}

TEST(Continuous, TakesOneAtATimeWithoutADepthAndInDebugMode) {
  const auto pipeline = [](std::size_t depth) {
    return Pipeline<Item>("p").then(Crowd({}), deep(depth));
  };
  for (const auto& [depth, mode] : {std::pair{1, Mode::streaming}, std::pair{8, Mode::debug}}) {
    RunOptions options;
    options.mode = mode;
    const auto result = run(pipeline(static_cast<std::size_t>(depth)), 40, options);
    EXPECT_EQ(largest_crowd(result.outputs), 1);
    EXPECT_EQ(numbers(result.outputs), numbers_below(40));
    EXPECT_EQ(result.status.slowest.size(), 20u);
  }
}

// A partial batch is all that there is; so nothing waits for a full one to come along.
TEST(Continuous, DrainsWhatIsInside) {
  for (const int count : {1, 2, 5, 17}) {
    const auto result = run(Pipeline<Item>("p")
                                .then(Stamp(""), {.workers = 2})
                                .then(Crowd({.gather = 6}), deep(6))
                                .then(Stamp(""), {.workers = 1}),
                            count);
    EXPECT_EQ(numbers(result.outputs), numbers_below(count));
  }
}

TEST(Continuous, KeepsToTheMemoryBound) {
  class Slow : public Stage<Item, Item> {
   public:
    void process(Batch<Item>& batch, Emitter<Item>& out) override {
      std::this_thread::sleep_for(std::chrono::milliseconds(3));
      for (std::size_t i = 0; i < batch.size(); ++i) out.emit(i, batch[i]);
    }
  };
  const auto result = run(Pipeline<Item>("p")
                              .then(Crowd({}), deep(4))  // answers at once
                              .then(Slow{}, {.batch_size = 1, .workers = 1}),
                          200);
  const auto& after = result.status.channels[1];
  EXPECT_EQ(after.bound_records, 4u * 2 + 1);
  EXPECT_LE(after.peak_records, after.bound_records);
  EXPECT_GT(after.peak_records, 2u + 1) << "more than one output batch waits";
  EXPECT_EQ(numbers(result.outputs), numbers_below(200));
}

TEST(Continuous, ABatchThatFailsIsTriedAgainWhileOthersAreInside) {
  auto spec = deep(4);
  spec.attempts = 3;
  const auto result = run(
      Pipeline<Item>("p").then(Crowd({.gather = 4, .fails_at = 21, .fails_first = 2}), spec), 100);
  EXPECT_EQ(numbers(result.outputs), numbers_below(100));
}

TEST(Continuous, ARecordThatFailsForGoodIsADeadLetterAndTheOthersGoOn) {
  store::ScratchFolder folder;
  auto spec = deep(4);
  spec.attempts = 2;
  spec.on_failure = OnFailure::dead_letter;
  RunOptions options;
  options.run_dir = folder.path();
  const auto result =
      run(Pipeline<Item>("p").then(Crowd({.gather = 4, .fails_at = 21, .fails_first = 1000}), spec),
          100, options);
  EXPECT_EQ(numbers(result.outputs), numbers_below(100, 21));
  EXPECT_EQ(result.status.dead_letters, 1u);
}

TEST(Continuous, AFailureWithoutAttemptsStopsTheRun) {
  try {
    run(Pipeline<Item>("p").then(Crowd({.gather = 4, .fails_at = 21, .fails_first = 1}), deep(4)),
        100);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::stage);
    EXPECT_THAT(error.what(), HasSubstr("stage 'crowd' failed on record 'input 21': refused"));
  }
}

TEST(Continuous, WhatIsLostIsDoneAgainAndNobodyIsBlamed) {
  const auto result =
      run(Pipeline<Item>("p").then(Crowd({.gather = 4, .loses_at = 30, .loses_first = 1}), deep(4)),
          100);
  EXPECT_EQ(numbers(result.outputs), numbers_below(100));
}

TEST(Continuous, TheRecordWithWhichEverythingIsLostIsFoundAmongManyInside) {
  store::ScratchFolder folder;
  auto spec = deep(6);
  spec.on_failure = OnFailure::dead_letter;
  RunOptions options;
  options.run_dir = folder.path();
  const auto result =
      run(Pipeline<Item>("p").then(Crowd({.gather = 6, .loses_at = 30}), spec), 100, options);
  EXPECT_EQ(numbers(result.outputs), numbers_below(100, 30));
  EXPECT_THAT(store::read_text(folder / "dead_letters.jsonl"), HasSubstr("it is gone"));
}

TEST(Continuous, AStageThatTakesOneBatchHasNoDepth) {
  try {
    run(Pipeline<Item>("p").then(Stamp("a"), deep(2)), 10);
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), HasSubstr("stage 'crowd': it takes one batch at a time"));
  }
}

/// Answers each batch, but says neither what came of it nor what is wrong.
class Silent : public ContinuousStage<Item, Item> {
 public:
  explicit Silent(Outcome outcome) : outcome_(outcome) {}
  void submit(std::uint64_t ticket, Batch<Item>) override {
    tickets_.push_back(ticket);
    wake_();
  }
  std::optional<Answer<Item>> poll() override {
    if (tickets_.empty()) return std::nullopt;
    const auto ticket = tickets_.front();
    tickets_.pop_front();
    return Answer<Item>{ticket, outcome_};
  }
  void wake_with(std::function<void()> wake) override { wake_ = std::move(wake); }

 private:
  Outcome outcome_;
  std::deque<std::uint64_t> tickets_;
  std::function<void()> wake_;
};

TEST(Continuous, AnAnswerWithNeitherOutputsNorAnErrorIsAFailureOfItsBatch) {
  for (const auto outcome : {Outcome::done, Outcome::failed, Outcome::lost}) {
    for (const auto mode : {Mode::streaming, Mode::debug}) {
      RunOptions options;
      options.mode = mode;
      try {
        run(Pipeline<Item>("p").then(Silent(outcome), deep(4)), 8, options);
        FAIL();
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::stage);
        EXPECT_THAT(error.what(), HasSubstr("answer has neither outputs nor an error"));
      }
    }
  }
}
}  // namespace
}  // namespace sluice
