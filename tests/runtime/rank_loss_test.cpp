// Runs over threads that lose ranks on the way.
#include "runtime/batch_coordinator.hpp"
#include "runtime/batch_worker.hpp"
#include "runtime/coordinator.hpp"
#include "runtime/pipelines.hpp"
#include "runtime/worker.hpp"
#include "transport/local.hpp"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <set>

namespace sluice::runtime {
namespace {

using sluice::testing::Item;
using sluice::testing::items;

constexpr int count = 400;

/// Writes a line a record, at teardown.
class Lines : public MapStage<Item, Item> {
 public:
  void setup(const WorkerContext& context) override {
    path_ = context.output("lines-" + std::to_string(context.worker) + ".txt");
    std::filesystem::create_directories(path_.parent_path());
    text_.clear();
  }
  Item map(Item item) override {
    text_ += std::to_string(item.number) + item.trail + '\n';
    return item;
  }
  void teardown() override { std::ofstream(path_) << text_; }

 private:
  std::filesystem::path path_;
  std::string text_;
};

/// Kills ranks when so many records have been worked on.
class Killer {
 public:
  Killer(std::uint64_t seed, int workers, int kills) {
    std::mt19937_64 random(seed);
    std::set<int> victims;
    while (static_cast<int>(victims.size()) < kills) {
      victims.insert(1 + static_cast<int>(random() % static_cast<std::uint64_t>(workers)));
    }
    for (const int victim : victims) deaths_.push_back({random() % 800, victim});
    std::sort(deaths_.begin(), deaths_.end());
  }

  void watch(std::vector<std::unique_ptr<transport::Transport>>& ranks) { ranks_ = &ranks; }

  void note_record() {
    const std::lock_guard lock(mutex_);
    ++records_;
    while (next_ < deaths_.size() && deaths_[next_].at <= records_) {
      transport::kill_local_rank(*(*ranks_)[static_cast<std::size_t>(deaths_[next_++].victim)]);
    }
  }

  std::size_t killed() const { return next_; }

 private:
  struct Death {
    std::uint64_t at;
    int victim;
    auto operator<=>(const Death&) const = default;
  };
  std::vector<Death> deaths_;
  std::size_t next_ = 0;
  std::uint64_t records_ = 0;
  std::vector<std::unique_ptr<transport::Transport>>* ranks_ = nullptr;
  std::mutex mutex_;
};

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

std::vector<std::string> lines_in(const std::filesystem::path& folder) {
  std::vector<std::string> lines;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (!entry.path().filename().string().starts_with("lines")) continue;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) lines.push_back(line);
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
  ErasedSpec spec;
  spec.name = pipeline.name();
  spec.stages = pipeline.stages();
  spec.input = [] {
    AnyBatch batch;
    auto records = std::make_shared<std::vector<Item>>(items(count));
    batch.ids.resize(records->size());
    for (std::size_t i = 0; i < records->size(); ++i) batch.ids[i].origin = i;
    batch.records = std::move(records);
    return batch;
  };
  spec.options.mode = Mode::streaming;
  spec.options.run_dir = run_dir;
  spec.options.journal = true;
  spec.options.commit_every = std::chrono::milliseconds(20);
  return spec;
}

template <class AnyWorker>
void run_worker(transport::Transport& end, const ErasedSpec& spec) {
  try {
    AnyWorker(end).run([&] { return spec; });
  } catch (const transport::RankIsDead&) {
  } catch (const RunStopped&) {
  }
}

template <class AnyCoordinator = Coordinator, class AnyWorker = Worker>
RunStatus run(const ErasedSpec& spec, Killer& killer, int workers) {
  auto ranks = transport::make_local_ranks(workers + 1);
  killer.watch(ranks);
  std::vector<std::jthread> threads;
  for (int rank = 1; rank <= workers; ++rank) {
    threads.emplace_back(
        [&, rank] { run_worker<AnyWorker>(*ranks[static_cast<std::size_t>(rank)], spec); });
  }
  return AnyCoordinator(*ranks.front()).run([&] { return spec; });
}

class RunDir {
 public:
  explicit RunDir(const std::string& name)
      : path_(std::filesystem::temp_directory_path() /
              ("sluice-loss-" + name + "-" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~RunDir() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

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
