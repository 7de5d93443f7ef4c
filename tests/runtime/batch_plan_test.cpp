// Which ranks work on which stage in batch mode.
#include "runtime/pipelines.hpp"
#include "runtime/spec.hpp"
#include "store/scratch_folder.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <thread>

namespace sluice {
namespace {

using store::ScratchFolder;
using ::testing::HasSubstr;
using testing::Item;
using testing::items;
using testing::Stamp;

PipelineSpec<Item, Item> batch_run(const Pipeline<Item, Item>& pipeline,
                                   const ScratchFolder& folder) {
  PipelineSpec spec(pipeline, items(40));
  spec.options.mode = Mode::batch;
  spec.options.run_dir = folder.path();
  spec.options.workers = 4;
  return spec;
}

// The ranks of a node share its cores, or have one each if there are fewer cores.
double cpus_of_node() {
  return std::max<double>(4, static_cast<double>(std::thread::hardware_concurrency()));
}

TEST(BatchPlan, RanksWhoseCpusFitBecomeWorkers) {
  const ScratchFolder folder;
  auto spec = batch_run(Pipeline<Item>("cpus")
                            .then(Stamp("a"), {.name = "a"})
                            .then(Stamp("b"), {.name = "b", .cpus = cpus_of_node() / 2})
                            .then(Stamp("c"), {.name = "c", .workers = 1}),
                        folder);
  const auto status = run_pipeline(spec).status;
  EXPECT_EQ(status.stages[0].workers, 4u);
  EXPECT_EQ(status.stages[1].workers, 2u);
  EXPECT_EQ(status.stages[2].workers, 1u);
}

TEST(BatchPlan, AStageThatFitsNowhereIsRefusedBeforeTheFirstOneRuns) {
  const ScratchFolder folder;
  auto spec = batch_run(Pipeline<Item>("big")
                            .then(Stamp("a"), {.name = "a"})
                            .then(Stamp("b"), {.name = "b", .cpus = 2 * cpus_of_node() + 1}),
                        folder);
  bool started = false;
  spec.options.on_start = [&] { started = true; };
  try {
    run_pipeline(spec);
    FAIL() << "it was not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::launch) << error.what();
    EXPECT_THAT(error.what(), HasSubstr("'b'"));
  }
  EXPECT_FALSE(started);
  EXPECT_FALSE(std::filesystem::exists(folder / "intermediates"));
}

TEST(BatchPlan, RanksMustAgreeAboutTheMode) {
  ErasedSpec spec;
  spec.options.mode = Mode::batch;
  const auto batch = runtime::canonical_text(spec);
  spec.options.mode = Mode::streaming;
  EXPECT_NE(batch, runtime::canonical_text(spec));
}

}  // namespace
}  // namespace sluice
