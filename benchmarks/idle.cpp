// What ranks that wait cost, and how fast they wake up: one worker makes records slowly, all others
// wait for them. Start it on 8 ranks: the coordinator, the slow worker, and six that wait.
#include "common/report.hpp"
#include "common/samples.hpp"
#include "common/world.hpp"

#include <sluice/sluice.hpp>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace sluice::bench {
namespace {

// Takes its time for each record, which is that time in seconds, and makes it the moment at which
// it is done with it.
class Sleeper : public MapStage<double, double> {
 public:
  double map(double seconds) override {
    sleep_precisely(seconds);
    return monotonic_seconds();
  }
};

// Waits for records. Writes down how long each was on its way, and what this process used from its
// set-up to its tear-down: (seconds, CPU seconds).
class Waiter : public Stage<double, double> {
 public:
  Waiter(std::shared_ptr<Log> delays, std::shared_ptr<Log> usage)
      : delays_(std::move(delays)), usage_(std::move(usage)) {}

  void setup(const WorkerContext&) override {
    since_ = monotonic_seconds();
    cpu_before_ = cpu_seconds();
  }
  void process(Batch<double>& batch, Emitter<double>&) override {
    delays_->add({monotonic_seconds() - batch[0]});
  }
  void teardown() override {
    usage_->add({monotonic_seconds() - since_, cpu_seconds() - cpu_before_});
  }

 private:
  std::shared_ptr<Log> delays_;
  std::shared_ptr<Log> usage_;
  double since_ = 0;
  double cpu_before_ = 0;
};

// On the root; of the waiting workers.
struct Measured {
  std::vector<double> delays;
  std::size_t waiters = 0;
  double waiters_cores = 0;      ///< all waiting workers together
  double coordinator_cores = 0;  ///< the coordinator, which waits as well
};

Measured run(std::vector<double> pauses, const World& world) {
  const auto delays = std::make_shared<Log>();
  const auto usage = std::make_shared<Log>();
  const auto pipeline = Pipeline<double>("idle")
                            .then(Sleeper(), {.name = "sleep", .workers = 1, .slots = 1})
                            .then(Waiter(delays, usage), {.name = "wait"});
  world.mpi_barrier();
  const double since = monotonic_seconds();
  const double cpu_before = cpu_seconds();
  run_pipeline(PipelineSpec(pipeline, std::move(pauses)));
  Measured measured;
  measured.coordinator_cores = (cpu_seconds() - cpu_before) / (monotonic_seconds() - since);
  measured.delays = world.gather(delays->values());
  const auto all = world.gather(usage->values());
  for (std::size_t i = 0; i + 1 < all.size(); i += 2) {
    measured.waiters_cores += all[i + 1] / all[i];
    ++measured.waiters;
  }
  return measured;
}

std::vector<double> random_pauses(std::size_t count) {
  std::mt19937_64 random(20);
  std::uniform_real_distribution<double> pause(1e-3, 30e-3);
  std::vector<double> pauses(count);
  std::generate(pauses.begin(), pauses.end(), [&] { return pause(random); });
  return pauses;
}

int main_of(double sleep, std::size_t wakeups, bool json) {
  const World world;
  run({0.01}, world);  // so that the transport is set up
  const auto still = run({sleep}, world);
  const auto woken = run(random_pauses(wakeups), world);
  if (!world.is_root()) return 0;
  const auto ranks = fmt::format("{} waiting ranks", still.waiters);
  const auto with_coordinator = still.waiters_cores + still.coordinator_cores;
  print(
      {{fmt::format("CPU of {} together", ranks), still.waiters_cores, "cores"},
       {fmt::format("CPU of {} and the coordinator together", ranks), with_coordinator, "cores",
        Target{Aim::at_most, 0.05}},
       {"record made to start in a waiting rank, median", quantile(woken.delays, 0.5) * 1e3, "ms"},
       {"record made to start in a waiting rank, p99", quantile(woken.delays, 0.99) * 1e3, "ms",
        Target{Aim::at_most, 1}},
       {"record made to start in a waiting rank, worst", quantile(woken.delays, 1) * 1e3, "ms"}},
      json);
  return 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  CLI::App app("What waiting ranks cost and how fast they wake up; start it on 8 ranks");
  double sleep = 10;
  std::size_t wakeups = 500;
  bool json = false;
  app.add_option("--sleep", sleep, "seconds that all wait for one record")
      ->check(CLI::Range(0.1, 3600.0));
  app.add_option("--wakeups", wakeups, "records that come one by one")
      ->check(CLI::Range(10, 1000000));
  app.add_flag("--json", json, "print JSON, one object a line");
  CLI11_PARSE(app, argc, argv);
  return sluice::guard_main([=] { return sluice::bench::main_of(sleep, wakeups, json); });
}
