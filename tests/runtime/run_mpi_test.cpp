// Whole runs at several rank counts. Every rank runs every test with the same pipelines; with one
// rank they run on threads.
#include "runtime/continuous.hpp"
#include "runtime/poison.hpp"
#include "transport/mpi.hpp"

#include <sched.h>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

namespace sluice {
namespace {

using testing::Fan;
using testing::Item;
using testing::items;
using testing::Stamp;

bool over_mpi() { return transport::launched_by_mpi(); }

std::size_t ranks() {
  const char* size = std::getenv("OMPI_COMM_WORLD_SIZE");
  return size == nullptr ? 1 : std::stoul(size);
}

// As many stages as the ranks at hand allow, at most three.
Pipeline<Item, Item> pipeline_for_ranks(std::size_t batch) {
  Pipeline<Item, Item> pipeline =
      Pipeline<Item>("ranks").then(Fan("a", 3), {.name = "a", .batch_size = batch});
  const std::size_t workers = over_mpi() ? ranks() - 1 : 4;
  if (workers >= 2) pipeline = pipeline.then(Stamp("b"), {.name = "b", .batch_size = 5});
  if (workers >= 3) pipeline = pipeline.then(Fan("c", 4), {.name = "c", .batch_size = 2});
  return pipeline;
}

std::vector<Item> run(const Pipeline<Item, Item>& pipeline, int count, Mode mode) {
  PipelineSpec spec(pipeline, items(count));
  spec.collect = true;
  spec.in_order = true;
  spec.options.mode = mode;
  return run_pipeline(spec).outputs;
}

TEST(MpiRun, GivesWhatDebugGives) {
  for (const std::size_t batch : {1, 3, 64}) {
    const auto pipeline = pipeline_for_ranks(batch);
    const auto expected = run(pipeline, 300, Mode::debug);
    const auto outputs = run(pipeline, 300, Mode::streaming);
    if (is_coordinator()) {
      EXPECT_EQ(outputs, expected) << "batch size " << batch;
    } else {
      EXPECT_TRUE(outputs.empty());
    }
  }
}

TEST(MpiRun, AContinuousStageIsFull) {
  using testing::Crowd;
  PipelineSpec spec(
      Pipeline<Item>("deep").then(Crowd({.gather = 4}),
                                  {.name = "crowd", .batch_size = 3, .workers = 1, .depth = 4}),
      items(300));
  spec.collect = true;
  const auto outputs = run_pipeline(spec).outputs;
  if (!is_coordinator()) return;
  EXPECT_EQ(testing::numbers(outputs), testing::numbers_below(300));
  EXPECT_EQ(testing::largest_crowd(outputs), 4);
}

TEST(MpiRun, RecordsThatCannotBeProcessedAreWrittenDownOnceAndTheOthersGoOn) {
  if (over_mpi() && ranks() < 4) GTEST_SKIP() << "too few ranks for three stages";
  const store::ScratchFolder folder;
  const auto poisoned = testing::around(testing::Poisoned(50, false), 7, 2);
  const auto run = [&](Mode mode) {
    return run_pipeline(testing::poisoned_run(poisoned, 300, mode, folder.path()));
  };
  const auto expected = run(Mode::debug);
  const auto dead = testing::dead_records(testing::letters_in(folder.path()));
  const auto result = run(Mode::streaming);
  if (!is_coordinator()) return;
  EXPECT_FALSE(dead.empty());
  EXPECT_EQ(result.outputs, expected.outputs);
  EXPECT_EQ(result.status.dead_letters, dead.size());
  EXPECT_EQ(testing::dead_records(testing::letters_in(folder.path())), dead);
}

struct Blob {
  std::uint64_t seed = 0;
  Buffer bytes;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(seed, bytes);
  }
};

Buffer noise(std::uint64_t seed, std::size_t size) {
  Buffer buffer(size);
  auto* data = buffer.mutable_data();
  for (std::size_t i = 0; i < size; ++i) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    data[i] = static_cast<std::byte>(seed >> 56);
  }
  return buffer;
}

TEST(MpiRun, LargeBuffersArriveWhole) {
  const auto make = map<std::uint64_t>([](std::uint64_t seed) {
    return Blob{seed, noise(seed, (seed % 7) * 100'000)};
  });
  auto pipeline = Pipeline<std::uint64_t>("blobs").then(make, {.name = "make", .batch_size = 2});
  std::vector<std::uint64_t> seeds(60);
  for (std::size_t i = 0; i < seeds.size(); ++i) seeds[i] = i;
  PipelineSpec spec(pipeline, seeds);
  spec.collect = true;
  const auto result = run_pipeline(spec);
  if (!is_coordinator()) return;
  ASSERT_EQ(result.outputs.size(), seeds.size());
  for (const auto& blob : result.outputs) {
    EXPECT_EQ(blob.bytes, noise(blob.seed, (blob.seed % 7) * 100'000));
  }
  EXPECT_EQ(result.status.done, seeds.size());
}

TEST(MpiRun, AStageThatThrowsStopsEveryRankAndNamesTheRecord) {
  const auto fail_at_13 = map<Item>([](Item item) {
    if (item.number == 13) throw std::runtime_error("thirteen");
    return item;
  });
  auto pipeline = Pipeline<Item>("failing").then(fail_at_13, {.name = "unlucky", .batch_size = 4});
  try {
    run(pipeline, 50, Mode::streaming);
    FAIL() << "the run should have failed";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::stage);
    EXPECT_STREQ(error.what(), "stage 'unlucky' failed on record 'input 13': thirteen");
  }
}

TEST(MpiRun, RanksWithDifferentPipelinesAreToldApart) {
  if (!over_mpi()) GTEST_SKIP() << "one rank cannot differ from itself";
  const std::size_t batch = is_coordinator() ? 8 : 4;
  auto pipeline = Pipeline<Item>("same").then(Stamp("x"), {.name = "x", .batch_size = batch});
  try {
    run(pipeline, 10, Mode::streaming);
    FAIL() << "the run should have failed";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::launch);
    const std::string message = error.what();
    EXPECT_NE(message.find("batch_size=8"), std::string::npos) << message;
    EXPECT_NE(message.find("batch_size=4"), std::string::npos) << message;
  }
}

TEST(MpiRun, OnlyTheCoordinatorNeedsToAskForOutputs) {
  PipelineSpec spec(Pipeline<Item>("asking").then(Stamp("x"), {.name = "x"}), items(20));
  spec.collect = is_coordinator();
  const auto result = run_pipeline(spec);
  EXPECT_EQ(result.outputs.size(), is_coordinator() ? 20u : 0u);
}

TEST(MpiRun, WhatIsNoSluiceErrorStopsEveryRankToo) {
  PipelineSpec<Item, Item> spec(
      Pipeline<Item>("bad input").then(Stamp("x"), {.name = "x"}),
      []() -> std::vector<Item> { throw std::runtime_error("no input"); });
  try {
    run_pipeline(spec);
    FAIL() << "the run should have failed";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "no input");
  }
}

TEST(MpiRun, RanksChangeTheirStagesAndNothingIsLost) {
  const std::size_t workers = over_mpi() ? ranks() - 1 : 8;
  if (workers < 7) GTEST_SKIP() << "too few ranks for a stage to have one to spare";
  auto spec = testing::uneven_run(400);
  spec.options.workers = workers;
  const auto result = run_pipeline(spec);
  if (!is_coordinator()) return;
  testing::expect_whole(result, 400);
  EXPECT_FALSE(result.status.replans.empty());
}

std::vector<std::uint64_t> cores_of_this_thread() {
  cpu_set_t set;
  EXPECT_EQ(::sched_getaffinity(0, sizeof set, &set), 0);
  std::vector<std::uint64_t> cores;
  for (std::uint64_t core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &set)) cores.push_back(core);
  }
  return cores;
}

/// What the worker's thread may run on, as one bit a core.
class WhereItRuns final : public MapStage<Item, Item> {
 public:
  Item map(Item item) override {
    item.number = 0;
    for (const auto core : cores_of_this_thread()) item.number |= 1 << core;
    return item;
  }
};

TEST(MpiRun, AWorkerThatAsksForMemoryHasACoreOfItsOwn) {
  const auto allowed = cores_of_this_thread();
  const std::size_t workers = over_mpi() ? ranks() - 1 : 1;
  // A core for each rank, the coordinator's too, and numbers that fit into an item.
  if (allowed.size() < workers + 1 || allowed.back() > 30) {
    GTEST_SKIP() << "too few cores for these ranks, or too many to tell apart";
  }
  StageSpec own{.name = "own", .memory = 1 << 20, .workers = workers};
  PipelineSpec spec(Pipeline<Item>("bound").then(WhereItRuns(), own), items(100));
  spec.collect = true;
  spec.options.mode = Mode::streaming;
  spec.options.workers = workers;
  const auto outputs = run_pipeline(spec).outputs;
  cpu_set_t before;
  CPU_ZERO(&before);
  for (const auto core : allowed) CPU_SET(core, &before);
  ASSERT_EQ(::sched_setaffinity(0, sizeof before, &before), 0);  // for the tests that follow
  int together = 0;
  for (const auto& item : outputs) {
    EXPECT_EQ(__builtin_popcount(static_cast<unsigned>(item.number)), 1);
    together |= static_cast<int>(item.number);
  }
  if (is_coordinator()) {
    EXPECT_LE(__builtin_popcount(static_cast<unsigned>(together)), static_cast<int>(workers));
    EXPECT_EQ(outputs.size(), 100u);
  }
}

TEST(MpiRun, TooFewRanksIsSaidOnEveryRank) {
  if (!over_mpi()) GTEST_SKIP() << "without a launcher there are always enough threads";
  Pipeline<Item, Item> pipeline("long");
  for (std::size_t i = 0; i < ranks(); ++i) pipeline = pipeline.then(Stamp("x"));
  EXPECT_THROW(run(pipeline, 10, Mode::streaming), Error);
}

}  // namespace
}  // namespace sluice
