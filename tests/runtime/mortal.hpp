#pragma once

#include "runtime/coordinator.hpp"
#include "runtime/pipelines.hpp"
#include "runtime/worker.hpp"
#include "transport/local.hpp"

#include <sluice/error.hpp>

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

/// Runs over threads that lose ranks on the way.
namespace sluice::runtime::mortal {

using sluice::testing::Item;
using sluice::testing::items;

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
  Killer(std::uint64_t seed, int workers, int kills, std::function<void(int)> on_kill = {})
      : on_kill_(std::move(on_kill)) {
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
      const int victim = deaths_[next_++].victim;
      if (on_kill_) on_kill_(victim);
      transport::kill_local_rank(*(*ranks_)[static_cast<std::size_t>(victim)]);
    }
  }

  std::size_t killed() const { return next_; }

 private:
  struct Death {
    std::uint64_t at;
    int victim;
    auto operator<=>(const Death&) const = default;
  };
  std::function<void(int)> on_kill_;
  std::vector<Death> deaths_;
  std::size_t next_ = 0;
  std::uint64_t records_ = 0;
  std::vector<std::unique_ptr<transport::Transport>>* ranks_ = nullptr;
  std::mutex mutex_;
};

inline std::vector<std::string> lines_in(const std::filesystem::path& folder) {
  std::vector<std::string> lines;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (!entry.path().filename().string().starts_with("lines")) continue;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) lines.push_back(line);
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

/// A run that can go on without some of its ranks.
inline ErasedSpec journaled(const Pipeline<Item, Item>& pipeline, int count,
                            const std::filesystem::path& run_dir) {
  ErasedSpec spec;
  spec.name = pipeline.name();
  spec.stages = pipeline.stages();
  spec.input = [count] {
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

}  // namespace sluice::runtime::mortal
