// Runs over threads whose GPU workers move, are renewed and die, on GPUs that are emulated.
#include "runtime/batch_coordinator.hpp"
#include "runtime/batch_worker.hpp"
#include "runtime/debug_executor.hpp"
#include "runtime/mortal.hpp"
#include "runtime/variable.hpp"

#include <sluice/gpu.hpp>

#include <cmath>
#include <map>

namespace sluice::runtime {
namespace {

using namespace mortal;
using sluice::testing::Stamp;
using std::chrono::microseconds;
using std::chrono::milliseconds;

/// Who holds what of which GPU, as the workers themselves know it.
class Ledger {
 public:
  void sit(int rank, const std::string& stage, double share, const std::vector<std::string>& gpus) {
    const std::lock_guard lock(mutex_);
    if (dead_.contains(rank)) return;
    seats_[rank] = {std::min(share, 1.0), gpus};
    stages_[rank].insert(stage);
    std::map<std::string, double> loads;
    for (const auto& [each, seat] : seats_) {
      for (const auto& gpu : seat.gpus) loads[gpu] += seat.share;
    }
    for (const auto& [gpu, load] : loads) EXPECT_LE(load, 1 + 1e-5) << "GPU " << gpu;
  }
  void rise(int rank) {
    const std::lock_guard lock(mutex_);
    seats_.erase(rank);
  }
  void died(int rank) {
    const std::lock_guard lock(mutex_);
    seats_.erase(rank);
    dead_.insert(rank);
  }
  /// Ranks that have had GPUs for several stages.
  std::size_t movers() const {
    return static_cast<std::size_t>(
        std::count_if(stages_.begin(), stages_.end(),
                      [](const auto& stages) { return stages.second.size() > 1; }));
  }

 private:
  struct Seat {
    double share;
    std::vector<std::string> gpus;
  };
  std::map<int, Seat> seats_;
  std::map<int, std::set<std::string>> stages_;
  std::set<int> dead_;
  std::mutex mutex_;
};

/// Where the stages of a run meet.
struct Scene {
  Scene(std::uint64_t seed, int workers, int kills)
      : killer(seed, workers, kills, [this](int rank) { ledger.died(rank); }) {}

  Ledger ledger;
  Killer killer;
};

class OnGpu : public MapStage<Item, Item> {
 public:
  /// `scene`: none in debug mode.
  OnGpu(double share, microseconds time, Scene* scene)
      : share_(share), time_(time), scene_(scene) {}

  void setup(const WorkerContext& context) override {
    EXPECT_TRUE(gpu::has_device());
    name_ = context.stage;
    if (scene_ == nullptr) return;
    EXPECT_EQ(context.gpus.size(), static_cast<std::size_t>(std::ceil(share_)));
    scene_->ledger.sit(context.rank, context.stage, share_, context.gpus);
    seat_.reset(scene_, [rank = context.rank](Scene* scene) { scene->ledger.rise(rank); });
  }
  Item map(Item item) override {
    if (scene_ != nullptr) {
      std::this_thread::sleep_for(time_);
      scene_->killer.note_record();
    }
    item.trail += name_;
    return item;
  }
  void teardown() override { seat_.reset(); }

 private:
  double share_;
  microseconds time_;
  Scene* scene_;
  std::string name_;
  std::shared_ptr<Scene> seat_;
};

/// What is the same in a run and in debug mode.
struct Setting {
  int count = 400;
  StageSpec first{.name = "first", .batch_size = 4};
  StageSpec second{.name = "second", .batch_size = 3};
  microseconds first_time{200};
  microseconds second_time{200};

  ErasedSpec spec(Scene* scene, const std::filesystem::path& run_dir) const {
    StageSpec write{.name = "write", .batch_size = 5, .writes_at_teardown = true};
    write.workers = 1;
    StageSpec stamp{.name = "stamp", .batch_size = 3};
    stamp.workers = 1;
    return journaled(Pipeline<Item>("on-gpus")
                         .then(Stamp("s"), stamp)
                         .then(OnGpu(first.gpus, first_time, scene), first)
                         .then(OnGpu(second.gpus, second_time, scene), second)
                         .then(Lines{}, write),
                     count, run_dir);
  }
  std::vector<std::string> expected() const {
    const RunDir run_dir("gpus-debug");
    run_debug(spec(nullptr, run_dir.path()));
    return lines_in(run_dir.path());
  }
};

class GpuWorkers : public ::testing::Test {
 protected:
  RunStatus run_and_compare(const Setting& setting, Scene& scene, int workers, bool autoscale) {
    const RunDir run_dir("gpus");
    auto spec = setting.spec(&scene, run_dir.path());
    spec.options.autoscale = autoscale;
    const auto status = mortal::run(spec, scene.killer, workers);
    EXPECT_EQ(status.done, static_cast<std::uint64_t>(setting.count));
    EXPECT_EQ(lines_in(run_dir.path()), setting.expected());
    return status;
  }

  static Setting by_lot(std::mt19937_64& random) {
    const auto pick = [&](std::vector<double> of) { return of[random() % of.size()]; };
    Setting setting;
    setting.first.gpus = pick({0.25, 0.4, 0.5, 1});
    setting.second.gpus = pick({0.25, 0.5, 0.6, 1});
    return setting;
  }

  /// Shares of GPUs, sorts of workers, and deaths by lot.
  void survives(std::uint64_t seed, bool autoscale) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    auto setting = by_lot(random);
    if (setting.second.gpus == 1 && random() % 2 == 0) setting.second.spmd = 2;
    if (random() % 3 == 0) setting.first.max_worker_lifetime = milliseconds(20);
    if (random() % 3 == 0) setting.second.max_worker_lifetime = milliseconds(30);
    if (autoscale) {
      setting.first.speed = 1;
      setting.second.speed = random() % 2 == 0 ? 20 : 0.05;
      (setting.second.speed == 20 ? setting.second_time : setting.first_time) = microseconds(6'000);
    }
    constexpr int workers = 9;
    Scene scene(seed, workers, static_cast<int>(random() % 4));
    run_and_compare(setting, scene, workers, autoscale);
  }

  void survives_in_batch_mode(std::uint64_t seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const auto setting = by_lot(random);
    constexpr int workers = 6;
    Scene scene(seed, workers, static_cast<int>(random() % 4));
    const RunDir run_dir("gpus-batch");
    auto spec = setting.spec(&scene, run_dir.path());
    spec.options.mode = Mode::batch;
    spec.options.batch.publish_every = milliseconds(10);
    const auto status = mortal::run<BatchCoordinator, BatchWorker>(spec, scene.killer, workers);
    EXPECT_EQ(status.done, static_cast<std::uint64_t>(setting.count));
    EXPECT_EQ(lines_in(run_dir.path()), setting.expected());
  }

  Variable gpus_{"SLURM_STEP_GPUS", "0,1,2,3"};
  Variable emulated_{"SLUICE_GPU", "emulated:4"};
};

// One stage was said to be slow, and the other is.
TEST_F(GpuWorkers, MoveWhenTheAutoscalerSaysSo) {
  Setting setting;
  setting.first.gpus = setting.second.gpus = 1;
  setting.first.speed = 1;
  setting.second.speed = 10;
  setting.second_time = microseconds(6'000);
  Scene scene(1, 6, 0);
  const auto status = run_and_compare(setting, scene, 6, true);
  EXPECT_GE(status.replans.size(), 1u);
  EXPECT_GE(scene.ledger.movers(), 1u);
}

TEST_F(GpuWorkers, DieAndTheOthersTakeTheirGpus) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) survives(seed, false);
}

TEST_F(GpuWorkers, DieInBatchModeToo) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) survives_in_batch_mode(seed);
}

// Four stages need four ranks; those that are left are too few, and another run has enough.
TEST_F(GpuWorkers, AreSeatedAnewWhenTheRunIsResumed) {
  Setting setting;
  setting.first.gpus = 1;
  setting.second.gpus = 0.5;
  const RunDir run_dir("gpus-resumed");
  Scene scene(3, 5, 2);
  EXPECT_THROW(mortal::run(setting.spec(&scene, run_dir.path()), scene.killer, 5), Error);
  Scene next(3, 8, 0);
  auto spec = setting.spec(&next, run_dir.path());
  spec.options.resume = true;
  EXPECT_EQ(mortal::run(spec, next.killer, 8).done, static_cast<std::uint64_t>(setting.count));
  EXPECT_EQ(lines_in(run_dir.path()), setting.expected());
}

using GpuWorkersSoak = GpuWorkers;

TEST_F(GpuWorkersSoak, DieInBatchModeToo) {
  for (std::uint64_t seed = 100; seed < 300; ++seed) survives_in_batch_mode(seed);
}

TEST_F(GpuWorkersSoak, MoveAndDieAndTheOutputIsWhole) {
  for (std::uint64_t seed = 100; seed < 200; ++seed) survives(seed, true);
}

TEST_F(GpuWorkersSoak, DieAndTheOthersTakeTheirGpus) {
  for (std::uint64_t seed = 100; seed < 600; ++seed) survives(seed, false);
}

}  // namespace
}  // namespace sluice::runtime
