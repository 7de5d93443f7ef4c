// Batch runs at several rank counts; every rank runs every test.
#include "runtime/random_pipeline.hpp"
#include "transport/mpi.hpp"

#include <filesystem>

namespace sluice {
namespace {

using testing::Item;
using testing::items;

// The same on every rank, and empty: nobody but the coordinator touches it before the run.
std::filesystem::path fresh_folder(const std::string& name) {
  auto folder = std::filesystem::temp_directory_path() / ("batch-" + name);
  if (is_coordinator()) {
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
  }
  return folder;
}

TEST(MpiBatch, GivesWhatDebugGives) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const auto random = testing::random_pipeline(seed);
    PipelineSpec spec(random.pipeline, items(random.inputs));
    spec.collect = spec.in_order = true;
    spec.options.mode = Mode::batch;
    spec.options.workers = 3;
    spec.options.run_dir = fresh_folder("debug");
    const auto outputs = run_pipeline(spec).outputs;
    spec.options.mode = Mode::debug;
    if (is_coordinator()) {
      EXPECT_EQ(outputs, run_pipeline(spec).outputs) << "seed " << seed;
    } else {
      EXPECT_TRUE(outputs.empty());
    }
  }
}

TEST(MpiBatch, AStageThatThrowsStopsEveryRankAndNamesTheRecord) {
  const auto fail_at_13 = map<Item>([](Item item) {
    if (item.number == 13) throw std::runtime_error("thirteen");
    return item;
  });
  PipelineSpec spec(Pipeline<Item>("failing").then(fail_at_13, {.name = "unlucky"}), items(50));
  spec.options.mode = Mode::batch;
  spec.options.run_dir = fresh_folder("failing");
  try {
    run_pipeline(spec);
    FAIL() << "the run should have failed";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::stage);
    EXPECT_STREQ(error.what(), "stage 'unlucky' failed on record 'input 13': thirteen");
  }
}

}  // namespace
}  // namespace sluice
