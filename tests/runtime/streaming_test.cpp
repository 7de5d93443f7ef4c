#include "runtime/pipelines.hpp"

namespace sluice {
namespace {

using testing::Fan;
using testing::Item;
using testing::items;
using testing::Stamp;

Pipeline<Item, Item> fanning(std::size_t first_batch, std::size_t second_batch) {
  return Pipeline<Item>("fanning")
      .then(Stamp("a"), {.name = "a", .batch_size = first_batch})
      .then(Fan("b", 4), {.name = "b", .batch_size = second_batch})
      .then(Stamp("c"), {.name = "c", .batch_size = 3});
}

std::vector<Item> run(const Pipeline<Item, Item>& pipeline, int count, Mode mode,
                      std::size_t workers = 5) {
  PipelineSpec spec(pipeline, items(count));
  spec.collect = true;
  spec.in_order = true;
  spec.options.mode = mode;
  spec.options.launch = Launch::threads;
  spec.options.workers = workers;
  return run_pipeline(spec).outputs;
}

TEST(Streaming, GivesWhatDebugGivesInInputOrder) {
  for (const std::size_t first : {1, 7}) {
    for (const std::size_t second : {1, 4, 32}) {
      const auto pipeline = fanning(first, second);
      const auto expected = run(pipeline, 200, Mode::debug);
      EXPECT_GT(expected.size(), 200u);
      EXPECT_EQ(run(pipeline, 200, Mode::streaming), expected) << first << ' ' << second;
    }
  }
}

TEST(Streaming, AnEmptyInputGivesNoOutput) {
  EXPECT_TRUE(run(fanning(1, 1), 0, Mode::streaming).empty());
  EXPECT_TRUE(run(fanning(1, 1), 0, Mode::debug).empty());
}

TEST(Streaming, TooFewWorkersSaysHowManyAreNeeded) {
  try {
    run(fanning(1, 1), 10, Mode::streaming, 2);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::launch);
    EXPECT_NE(std::string(error.what()).find("at least 3 workers (a 1, b 1, c 1)"),
              std::string::npos)
        << error.what();
  }
}

TEST(Autoscaling, RanksChangeTheirStagesAndNothingIsLost) {
  auto spec = testing::uneven_run(400);
  spec.options.launch = Launch::threads;
  spec.options.workers = 8;
  const auto result = run_pipeline(spec);
  testing::expect_whole(result, 400);
  ASSERT_FALSE(result.status.replans.empty());
  EXPECT_GT(result.status.replans.front().moved, 0u);
  EXPECT_NE(result.status.replans.front().reason.find("'slow' was the slowest"), std::string::npos)
      << result.status.replans.front().reason;
}

TEST(Autoscaling, CanBeSwitchedOff) {
  auto spec = testing::uneven_run(100);
  spec.options.launch = Launch::threads;
  spec.options.workers = 8;
  spec.options.autoscale = false;
  const auto result = run_pipeline(spec);
  testing::expect_whole(result, 100);
  EXPECT_TRUE(result.status.replans.empty());
}

}  // namespace
}  // namespace sluice
