// Whether one slow consumer holds up the others: four producers, four consumers, of which one takes
// ten times as long. On 9 ranks, or bare for threads.
#include "common/accounting.hpp"
#include "common/report.hpp"
#include "common/samples.hpp"
#include "common/world.hpp"

#include <sluice/sluice.hpp>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice::bench {
namespace {

constexpr std::size_t workers = 4;
constexpr double fast = 10e-3;
constexpr double slow = 10 * fast;
constexpr double ideal = (workers - 1) / fast + 1 / slow;

// Writes down every record's (worker, start, end).
class Consumer : public Stage<int, int> {
 public:
  explicit Consumer(std::shared_ptr<Log> log) : log_(std::move(log)) {}

  void setup(const WorkerContext& context) override { worker_ = context.worker; }
  void process(Batch<int>&, Emitter<int>&) override {
    const double start = monotonic_seconds();
    sleep_precisely(worker_ == 0 ? slow : fast);
    log_->add({static_cast<double>(worker_), start, monotonic_seconds()});
  }

 private:
  std::shared_ptr<Log> log_;
  std::size_t worker_ = 0;
};

struct Served {
  std::vector<double> starts;
  std::vector<double> ends;

  /// Records a second if it never waited.
  double own_rate() const {
    double busy = 0;
    for (std::size_t i = 0; i < ends.size(); ++i) busy += ends[i] - starts[i];
    return static_cast<double>(ends.size()) / busy;
  }
};

std::array<Served, workers> by_worker(const std::vector<double>& log) {
  std::array<Served, workers> served;
  for (std::size_t i = 0; i + 2 < log.size(); i += 3) {
    auto& one = served.at(static_cast<std::size_t>(log[i]));
    one.starts.push_back(log[i + 1]);
    one.ends.push_back(log[i + 2]);
  }
  return served;
}

// Over the time in which all consumers had work: each one's records divided by the time from the
// start of its first to the end of its last, so that half-done records at the edges don't count.
double throughput(const std::array<Served, workers>& served) {
  double until = std::numeric_limits<double>::infinity();
  for (const auto& one : served) until = std::min(until, one.ends.back());
  double rate = 0;
  for (const auto& one : served) {
    const auto end = std::upper_bound(one.ends.begin(), one.ends.end(), until);
    const auto last = *std::prev(end);
    rate += static_cast<double>(end - one.ends.begin()) / (last - one.starts.front());
  }
  return rate;
}

std::vector<Result> results(const std::array<Served, workers>& served, const std::string& on,
                            const std::string& note) {
  double own = 0;
  for (const auto& one : served) own += one.own_rate();
  const double reached = throughput(served);
  return {{fmt::format("throughput with one slow consumer, {}", on), reached, "records/s"},
          {fmt::format("share of the nominal ideal of {:.0f} records/s, {}", ideal, on),
           reached / ideal,
           "of 1",
           Target{Aim::at_least, 0.97},
           {},
           note},
          {fmt::format("share of what the consumers could do as they slept, {}", on), reached / own,
           "of 1"}};
}

int main_of(double seconds, bool json) {
  const World world;
  const auto log = std::make_shared<Log>();
  const auto pipeline = Pipeline<int>("fairness")
                            .then(map<int>([](int record) { return record; }),
                                  {.name = "produce", .workers = workers})
                            .then(Consumer(log), {.name = "consume", .workers = workers});
  PipelineSpec spec(pipeline, std::vector<int>(static_cast<std::size_t>(seconds * ideal)));
  spec.options.workers = 2 * workers;
  const double cpu_before = cpu_seconds();
  const auto status = run_pipeline(spec).status;
  const double cpu = world.sum(cpu_seconds() - cpu_before);
  const auto note = accounting_of(status, cpu / status.seconds);
  const auto served = by_worker(world.gather(log->values()));
  if (world.is_root()) print(results(served, world.transport(), note), json);
  return 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  CLI::App app("Throughput beside a slow consumer; start it on 9 ranks, or bare for threads");
  double seconds = 10;
  bool json = false;
  app.add_option("--seconds", seconds, "how long it would take at the ideal rate")
      ->check(CLI::Range(1.0, 3600.0));
  app.add_flag("--json", json, "print JSON, one object a line");
  CLI11_PARSE(app, argc, argv);
  return sluice::guard_main([=] { return sluice::bench::main_of(seconds, json); });
}
