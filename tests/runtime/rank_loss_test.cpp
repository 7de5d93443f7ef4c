// Runs over threads that lose ranks on the way.
#include "runtime/batch_coordinator.hpp"
#include "runtime/batch_worker.hpp"
#include "runtime/mortal.hpp"

#include <memory>

namespace sluice::runtime {
namespace {

using namespace mortal;

constexpr int count = 400;

/// A stage that tells the killer. In a group, its ranks meet in each batch.
class Work : public Stage<Item, Item> {
 public:
  explicit Work(Killer* killer) : killer_(killer) {}
  void setup(const WorkerContext& context) override { group_ = context.group; }
  void process(Batch<Item>& batch, Emitter<Item>& out) override {
    if (group_) group_->barrier();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      std::this_thread::sleep_for(std::chrono::microseconds(200));
      killer_->note_record();
      for (int copy = 0; copy < batch[i].number % 3; ++copy) {
        out.emit(i, {batch[i].number, batch[i].trail + std::to_string(copy)});
      }
    }
  }

 private:
  Killer* killer_;
  std::shared_ptr<Group> group_;
};

std::vector<std::string> expected_lines() {
  std::vector<std::string> lines;
  for (const auto& item : items(count)) {
    for (int copy = 0; copy < item.number % 3; ++copy) {
      lines.push_back(std::to_string(item.number) + "s" + std::to_string(copy));
    }
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

ErasedSpec spec_for(Killer& killer, const std::filesystem::path& run_dir) {
  const auto pipeline =
      Pipeline<Item>("mortal")
          .then(sluice::testing::Stamp("s"), {.name = "stamp", .batch_size = 3})
          .then(Work(&killer), {.name = "work", .batch_size = 4})
          .then(Lines{}, {.name = "write", .batch_size = 5, .writes_at_teardown = true});
  return journaled(pipeline, count, run_dir);
}

void survives(std::uint64_t seed, std::size_t spmd = 1) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  constexpr int workers = 8;
  const RunDir run_dir(std::to_string(seed));
  Killer killer(seed, workers, 3);
  auto spec = spec_for(killer, run_dir.path());
  spec.stages[1].spec.spmd = spmd;
  const auto status = run(spec, killer, workers);
  EXPECT_EQ(status.done, static_cast<std::uint64_t>(count));
  EXPECT_LE(status.lost.size(), killer.killed());
  EXPECT_EQ(lines_in(run_dir.path()), expected_lines());
}

TEST(RankLoss, ThreeOfEightWorkersDieAndTheOutputIsWhole) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) survives(seed);
}

TEST(RankLoss, RanksOfGroupsDieAndTheOutputIsWhole) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) survives(seed, 2);
}

TEST(RankLossSoak, RanksOfGroupsDieAndTheOutputIsWhole) {
  for (std::uint64_t seed = 100; seed < 600; ++seed) survives(seed, 2);
}

TEST(RankLossSoak, ThreeOfEightWorkersDieAndTheOutputIsWhole) {
  for (std::uint64_t seed = 100; seed < 1'100; ++seed) survives(seed);
}

// The last stage's outputs are read from the store at the end.
void survives_in_batch_mode(std::uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  const RunDir run_dir("batch-" + std::to_string(seed));
  Killer killer(seed, 6, 3);
  auto spec = spec_for(killer, run_dir.path());
  spec.options.mode = Mode::batch;
  spec.options.batch.publish_every = std::chrono::milliseconds(10);
  spec.stages.pop_back();
  std::vector<std::string> lines;
  spec.on_output = [&](const AnyBatch& batch) {
    for (const auto& item : *static_cast<std::vector<Item>*>(batch.records.get())) {
      lines.push_back(std::to_string(item.number) + item.trail);
    }
  };
  const auto status = run<BatchCoordinator, BatchWorker>(spec, killer, 6);
  EXPECT_EQ(status.lost.size(), killer.killed());
  std::sort(lines.begin(), lines.end());
  EXPECT_EQ(lines, expected_lines());
}

TEST(RankLoss, BatchModeHandsOutAgainWhatTheDeadHeld) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) survives_in_batch_mode(seed);
}

TEST(RankLossSoak, BatchModeHandsOutAgainWhatTheDeadHeld) {
  for (std::uint64_t seed = 100; seed < 600; ++seed) survives_in_batch_mode(seed);
}

TEST(RankLoss, TooFewRanksEndTheRunAsLost) {
  const RunDir run_dir("few");
  Killer killer(3, 3, 1);
  try {
    run(spec_for(killer, run_dir.path()), killer, 3);
    FAIL() << "two ranks cannot run three stages";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::lost);
    EXPECT_NE(std::string(error.what()).find("sluice resume"), std::string::npos) << error.what();
  }
}

TEST(RankLoss, WithoutAJournalTheRunIsLost) {
  const RunDir run_dir("unjournaled");
  Killer killer(3, 8, 1);
  auto spec = spec_for(killer, run_dir.path());
  spec.options.journal = false;
  try {
    run(spec, killer, 8);
    FAIL() << "there is nothing to go on by";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::lost);
    EXPECT_NE(std::string(error.what()).find("RunOptions::journal"), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace sluice::runtime
