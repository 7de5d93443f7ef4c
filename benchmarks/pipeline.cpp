// A chain of stages of any length that sleep, burn or do nothing, under mpirun on one rank more
// than there are workers, or bare for threads: how fast, and how near to what its slowest stage
// alone could do.
#include "common/accounting.hpp"
#include "common/launch.hpp"
#include "common/payload.hpp"
#include "common/samples.hpp"
#include "common/work.hpp"
#include "common/world.hpp"

#include <sluice/sluice.hpp>

#include <CLI/CLI.hpp>

#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace sluice::bench {
namespace {

struct Options {
  Chain chain;
  std::size_t batch = 1;
  std::size_t slots = 2;
  std::size_t pool = 0;
  double target_share = 0;
};

struct Item {
  std::uint64_t number = 0;
  double stamp = 0;  ///< when the stage before was done with it
  Buffer bytes;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(number, stamp, bytes);
  }
};

struct Logs {
  Log ends;
  Log hops;
};

class Link : public Stage<Item, Item> {
 public:
  Link(const Chain& chain, std::size_t stage, std::shared_ptr<Logs> logs)
      : stage_(stage),
        is_last_(stage + 1 == chain.stages),
        outputs_(stage == 0 ? chain.outputs : 1),
        bytes_(stage == 0 ? chain.bytes : 0),
        hops_(chain.hops && stage > 0),
        work_(chain.work(stage)),
        logs_(std::move(logs)) {}

  void process(Batch<Item>& batch, Emitter<Item>& out) override {
    const double arrival = hops_ ? monotonic_seconds() : 0;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (hops_) logs_->hops.add({arrival - batch[i].stamp});
      if (stage_ > 0) check_stamp(batch[i].bytes.data(), batch[i].bytes.size(), batch[i].number);
      work_.spend(stage_, batch[i].number);
      if (is_last_) {
        logs_->ends.add({monotonic_seconds()});
      } else {
        hand_on(i, batch[i], out);
      }
    }
  }

 private:
  void hand_on(std::size_t i, Item& item, Emitter<Item>& out) const {
    for (std::size_t k = 0; k < outputs_; ++k) {
      Item next{item.number * outputs_ + k, 0, bytes_ > 0 ? Buffer(bytes_) : std::move(item.bytes)};
      if (bytes_ > 0) stamp(next.bytes.mutable_data(), bytes_, next.number);
      next.stamp = monotonic_seconds();
      out.emit(i, std::move(next));
    }
  }

  std::size_t stage_;
  bool is_last_;
  std::size_t outputs_;
  std::size_t bytes_;  ///< of the items that it makes; 0: it hands on what comes
  bool hops_;
  Work work_;
  std::shared_ptr<Logs> logs_;
};

Pipeline<Item, Item> pipeline_of(const Options& options, const std::shared_ptr<Logs>& logs) {
  Pipeline<Item, Item> pipeline("chain");
  for (std::size_t i = 0; i < options.chain.stages; ++i) {
    StageSpec spec{.batch_size = options.batch, .slots = options.slots};
    if (options.pool == 0) spec.workers = options.chain.workers_of(i);
    pipeline = pipeline.then(Link(options.chain, i, logs), spec);
  }
  return pipeline;
}

std::vector<Result> results(const Options& options, const RunStatus& status, const Course& course,
                            double cpu) {
  const auto& chain = options.chain;
  auto results = results_of(chain, course);
  if (options.target_share > 0 && chain.has_work()) {
    results.at(1).target = Target{Aim::at_least, options.target_share};
  }
  const auto name = [&](const char* what) { return chain.title + what; };
  if (chain.has_work()) {
    results.push_back(
        {name(", utilisation of the bottleneck"), utilisation_of_bottleneck(status), "of 1"});
    return results;
  }
  const auto batches =
      std::accumulate(status.stages.begin(), status.stages.end(), std::uint64_t{0},
                      [](auto total, const auto& stage) { return total + stage.batches; });
  results.push_back(
      {name(", CPU a batch and hop"), cpu * 1e6 / static_cast<double>(batches), "µs"});
  return results;
}

std::vector<Item> input_of(std::uint64_t records) {
  std::vector<Item> items(records);
  for (std::uint64_t i = 0; i < records; ++i) items[i].number = i;
  return items;
}

int main_of(const Options& options) {
  const auto launch = launch_time();
  const World world;
  const auto logs = std::make_shared<Logs>();
  PipelineSpec<Item, Item> spec(pipeline_of(options, logs),
                                [&] { return input_of(options.chain.records); });
  spec.options.workers = options.pool > 0 ? options.pool : options.chain.all_workers();
  world.mpi_barrier();
  const double cpu_before = cpu_seconds();
  const double start = monotonic_seconds();
  const auto status = run_pipeline(spec).status;
  const double seconds = monotonic_seconds() - start;
  const double cpu = world.sum(cpu_seconds() - cpu_before);
  Course course{
      start, world.gather(logs->ends.values()), world.gather(logs->hops.values()), {}, "sluice",
      launch};
  if (!world.is_root()) return 0;
  if (course.ends.size() != options.chain.leaving()) throw StageError("the chain lost records");
  course.note = accounting_of(status, cpu / seconds);
  print(results(options, status, course, cpu), options.chain.json);
  return 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  CLI::App app("The speed of a chain of stages; start it on one rank more than it has workers");
  sluice::bench::Options options;
  options.chain.add_to(app);
  app.add_option("--batch", options.batch, "records in a batch");
  app.add_option("--slots", options.slots, "input slots of a worker");
  app.add_option("--pool", options.pool,
                 "so many workers, shared out among the stages as the run goes on");
  app.add_option("--target-share", options.target_share, "of the speed of light, to be reached");
  CLI11_PARSE(app, argc, argv);
  return sluice::guard_main([&options] { return sluice::bench::main_of(options); });
}
