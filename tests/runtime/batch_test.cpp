// Batch mode on threads, with its store in a folder.
#include "runtime/batch_book.hpp"
#include "runtime/pipelines.hpp"
#include "runtime/random_pipeline.hpp"
#include "store/scratch_folder.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>

namespace sluice {
namespace {

using store::ScratchFolder;
using testing::Fan;
using ::testing::HasSubstr;
using testing::Item;
using testing::items;
using testing::Stamp;

struct BatchRun {
  explicit BatchRun(const Pipeline<Item, Item>& pipeline, int count, const ScratchFolder& folder)
      : spec(pipeline, items(count)) {
    spec.collect = spec.in_order = true;
    spec.options.mode = Mode::batch;
    spec.options.run_dir = folder.path();
    spec.options.workers = 3;
  }
  std::vector<Item> outputs() { return run_pipeline(spec).outputs; }

  PipelineSpec<Item, Item> spec;
};

std::vector<Item> debug_outputs(const Pipeline<Item, Item>& pipeline, int count) {
  PipelineSpec spec(pipeline, items(count));
  spec.collect = spec.in_order = true;
  spec.options.mode = Mode::debug;
  return run_pipeline(spec).outputs;
}

std::string error_of(BatchRun& run) {
  try {
    run.outputs();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Batch, GivesWhatDebugAndStreamingGiveOnRandomPipelines) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const ScratchFolder folder;
    const auto random = testing::random_pipeline(seed);
    const auto expected = debug_outputs(random.pipeline, random.inputs);
    BatchRun run(random.pipeline, random.inputs, folder);
    run.spec.options.workers = 1 + seed % 4;
    run.spec.options.batch.compress = seed % 5 == 0;
    run.spec.options.batch.publish_every = std::chrono::microseconds(seed % 2 == 0 ? 1 : 1'000'000);
    EXPECT_EQ(run.outputs(), expected) << "seed " << seed;
    run.spec.options.mode = Mode::streaming;
    run.spec.options.workers = 0;
    EXPECT_EQ(run.outputs(), expected) << "seed " << seed;
  }
}

const auto three_stages = [] {
  return Pipeline<Item>("three")
      .then(Fan("a", 4), {.name = "a", .batch_size = 3})
      .then(Stamp("b"), {.name = "b", .batch_size = 2})
      .then(Fan("c", 3), {.name = "c", .batch_size = 5});
};

TEST(Batch, IntermediatesAreDeletedWhenTheNextStageIsFinished) {
  const ScratchFolder folder;
  BatchRun run(three_stages(), 50, folder);
  run.outputs();
  EXPECT_FALSE(std::filesystem::exists(folder / "intermediates/1-a"));
  EXPECT_FALSE(std::filesystem::exists(folder / "intermediates/2-b"));
  EXPECT_FALSE(std::filesystem::exists(folder / ".sluice"));
}

TEST(Batch, KeptIntermediatesLetARunStartInTheMiddle) {
  const ScratchFolder folder;
  BatchRun run(three_stages(), 50, folder);
  run.spec.options.batch.keep_intermediates = true;
  const auto expected = run.outputs();
  BatchRun again(three_stages(), 50, folder);
  again.spec.options.batch.from = "c";
  std::uint64_t ran = 0;
  again.spec.options.on_status = [&](const RunStatus& status) {
    ran = status.stages[0].batches + status.stages[1].batches;
  };
  EXPECT_EQ(again.outputs(), expected);
  EXPECT_EQ(ran, 0u) << "the first two stages need not run";
}

TEST(Batch, TheRunDirectorySaysWhoDoesWhat) {
  const ScratchFolder folder;
  auto pipeline = three_stages().then(Stamp("d"), {.name = "d", .workers = 1});
  BatchRun(pipeline, 5, folder).outputs();
  EXPECT_EQ(store::read_text(folder / "plan.txt"),
            "stage 1, a: ranks 1 2 3\nstage 2, b: ranks 1 2 3\nstage 3, c: ranks 1 2 3\n"
            "stage 4, d: ranks 1\n");
}

TEST(Batch, OneStageRunsAgainBesideTheRun) {
  const ScratchFolder folder;
  BatchRun run(three_stages(), 50, folder);
  run.spec.options.batch.keep_intermediates = true;
  run.outputs();
  BatchRun again(three_stages(), 50, folder);
  again.spec.options.batch.only = "b";
  EXPECT_TRUE(again.outputs().empty());
  auto store = runtime::open_intermediates(again.spec.options);
  const auto records = [&store](const std::string& stage) {
    std::uint64_t count = 0;
    for (const auto& shard : store.shards_of(stage)) count += shard.records;
    return count;
  };
  EXPECT_GT(records("2-b"), 0u);
  EXPECT_EQ(records("replay/2-b"), records("2-b"));
}

TEST(Batch, WithoutKeptIntermediatesNoStageCanRunAgain) {
  const ScratchFolder folder;
  BatchRun run(three_stages(), 50, folder);
  run.outputs();
  run.spec.options.batch.from = "c";
  EXPECT_THAT(error_of(run), HasSubstr("what stage 'b' made is not there any more"));
  run.spec.options.batch.from = "nix";
  EXPECT_THAT(error_of(run), HasSubstr("the stages are 'a', 'b', 'c'"));
}

// Passes records on until it is told to fail, and counts them.
struct Fuse {
  std::atomic<int> passed{0};
  std::atomic<int> blows_at{-1};
};

class Fused : public MapStage<Item, Item> {
 public:
  explicit Fused(Fuse& fuse) : fuse_(&fuse) {}
  Item map(Item item) override {
    if (fuse_->passed == fuse_->blows_at) throw std::runtime_error("blown");
    ++fuse_->passed;
    item.trail += "!";
    return item;
  }

 private:
  Fuse* fuse_;
};

TEST(Batch, AFailedRunGoesOnWhereItsShardsEnd) {
  const ScratchFolder folder;
  Fuse fuse;
  const auto pipeline = Pipeline<Item>("fused")
                            .then(Stamp("a"), {.name = "a"})
                            .then(Fused(fuse), {.name = "fused", .batch_size = 2});
  const auto expected = debug_outputs(pipeline, 100);
  fuse.passed = 0;
  fuse.blows_at = 60;
  BatchRun run(pipeline, 100, folder);
  run.spec.options.workers = 1;
  run.spec.options.batch.publish_every = std::chrono::nanoseconds(1);
  EXPECT_THAT(error_of(run), HasSubstr("stage 'fused' failed on"));
  fuse.blows_at = -1;
  fuse.passed = 0;
  run.spec.options.resume = true;
  run.spec.options.workers = 2;
  EXPECT_EQ(run.outputs(), expected);
  EXPECT_EQ(fuse.passed, 40) << "what was published is not done again";
}

TEST(Batch, AnUnfinishedRunIsNotOverwritten) {
  const ScratchFolder folder;
  Fuse fuse;
  fuse.blows_at = 0;
  BatchRun run(Pipeline<Item>("fused").then(Fused(fuse), {.name = "fused"}), 10, folder);
  EXPECT_THAT(error_of(run), HasSubstr("blown"));
  EXPECT_THAT(error_of(run), HasSubstr("holds this run, unfinished"));
  fuse.blows_at = -1;
  run.spec.options.batch.from = "fused";
  EXPECT_EQ(run.outputs().size(), 10u);
}

TEST(Batch, AChangedRunIsRefusedAndSaysWhatChanged) {
  const ScratchFolder folder;
  Fuse fuse;
  fuse.blows_at = 0;
  const auto pipeline = Pipeline<Item>("fused").then(Fused(fuse), {.name = "fused"});
  BatchRun run(pipeline, 10, folder);
  run.spec.options.resume = true;
  EXPECT_THAT(error_of(run), HasSubstr("blown"));
  BatchRun other_input(pipeline, 11, folder);
  other_input.spec.options.resume = true;
  EXPECT_THAT(error_of(other_input), HasSubstr("says 'input: 10 records"));
  BatchRun other_stage(Pipeline<Item>("fused").then(Stamp("x"), {.name = "fused"}), 10, folder);
  other_stage.spec.options.resume = true;
  EXPECT_THAT(error_of(other_stage), HasSubstr("stage 1: fused: "));
}

TEST(Batch, DebugModeCannotGoOnWithARunAndStreamingOnlyWithoutCollecting) {
  const ScratchFolder folder;
  BatchRun run(three_stages(), 10, folder);
  run.spec.options.resume = true;
  run.spec.options.mode = Mode::debug;
  EXPECT_THAT(error_of(run), HasSubstr("debug mode keeps no journal"));
  run.spec.options.mode = Mode::streaming;
  EXPECT_THAT(error_of(run), HasSubstr("cannot collect its outputs"));
}

// The first shard of a stage.
std::filesystem::path shard_of(const ScratchFolder& folder, const std::string& stage) {
  std::set<std::filesystem::path> shards;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "intermediates" / stage)) {
    if (entry.path().extension() == ".h5") shards.insert(entry.path());
  }
  return *shards.begin();
}

void cut_short(const std::filesystem::path& file) {
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 100);
}

// In the trail of a record.
void flip_a_byte(const std::filesystem::path& file) {
  auto text = store::read_text(file);
  const auto at = text.find("a0b");
  ASSERT_NE(at, std::string::npos);
  text[at] ^= 1;
  store::write_text(file, text);
}

TEST(Batch, ADamagedShardIsNamedAndMadeAgainWhenItIsDeleted) {
  for (const auto damage : {cut_short, flip_a_byte}) {
    const ScratchFolder folder;
    BatchRun run(three_stages(), 50, folder);
    run.spec.options.batch.keep_intermediates = true;
    const auto expected = run.outputs();
    const auto shard = shard_of(folder, "2-b");
    damage(shard);
    run.spec.options.batch.from = "c";
    EXPECT_THAT(error_of(run), HasSubstr(shard.string()));
    std::filesystem::remove(shard);
    run.spec.options.batch.from = "";
    run.spec.options.resume = true;
    EXPECT_EQ(run.outputs(), expected);
  }
}

TEST(Batch, TheInputOfAStageMayBeEmpty) {
  const ScratchFolder folder;
  const auto pipeline =
      Pipeline<Item>("none").then(Fan("a", 1), {.name = "a"}).then(Stamp("b"), {.name = "b"});
  BatchRun run(pipeline, 20, folder);
  EXPECT_TRUE(run.outputs().empty());
}

}  // namespace
}  // namespace sluice
