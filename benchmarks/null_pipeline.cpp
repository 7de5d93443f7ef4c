// What the engine adds: three stages that do nothing, one worker each, under mpirun -n 4.
#include "common/accounting.hpp"
#include "common/payload.hpp"
#include "common/report.hpp"
#include "common/samples.hpp"
#include "common/world.hpp"

#include <sluice/sluice.hpp>

#include <CLI/CLI.hpp>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace sluice::bench {
namespace {

struct Options {
  std::string what = "large";
  std::uint64_t records = 2000;
  std::size_t batch = 0;
  std::size_t slots = 2;
  bool json = false;
};

struct Small {
  std::array<std::uint64_t, 8> words{};

  template <class Archive>
  void serialize(Archive& archive) {
    archive(words);
  }
};

// The last stage: everything ends here.
template <class T>
class Drop : public Stage<T, T> {
 public:
  explicit Drop(std::shared_ptr<Meter> meter) : meter_(std::move(meter)) {}

  void process(Batch<T>& batch, Emitter<T>&) override {
    for (const auto& record : batch) check(record);
    meter_->note(batch.size());
  }

 private:
  static void check(const Blob& blob) {
    check_stamp(blob.bytes.data(), blob.bytes.size(), blob.number);
  }
  static void check(const Small&) {}

  std::shared_ptr<Meter> meter_;
};

StageSpec spec_of(const char* name, const Options& options) {
  return {.name = name, .batch_size = options.batch, .workers = 1, .slots = options.slots};
}

template <class T>
T same(T record) {
  return record;
}

Pipeline<std::uint64_t, Blob> large_pipeline(const Options& o, std::shared_ptr<Meter> meter) {
  return Pipeline<std::uint64_t>("null")
      .then(map<std::uint64_t>(make_blob), spec_of("make", o))
      .then(map<Blob>(same<Blob>), spec_of("pass", o))
      .then(Drop<Blob>(std::move(meter)), spec_of("drop", o));
}

Pipeline<Small, Small> small_pipeline(const Options& o, std::shared_ptr<Meter> meter) {
  return Pipeline<Small>("null")
      .then(map<Small>(same<Small>), spec_of("first", o))
      .then(map<Small>(same<Small>), spec_of("pass", o))
      .then(Drop<Small>(std::move(meter)), spec_of("drop", o));
}

// On the root.
struct Measured {
  double records_per_second = 0;
  double cpu_per_batch_and_hop = 0;
  std::string note = {};
};

template <class In, class Out>
Measured run(const Pipeline<In, Out>& pipeline, std::vector<In> input, const Meter& meter,
             const World& world) {
  PipelineSpec<In, Out> spec(pipeline, [&input] { return std::move(input); });
  world.mpi_barrier();
  const double cpu_before = cpu_seconds();
  const auto status = run_pipeline(spec).status;
  const double cpu = world.sum(cpu_seconds() - cpu_before);
  // A stage's batches are those that crossed the channel before it.
  const auto crossings =
      std::accumulate(status.stages.begin(), status.stages.end(), std::uint64_t{0},
                      [](auto total, const auto& stage) { return total + stage.batches; });
  return {world.sum(meter.rate()), crossings == 0 ? 0 : cpu / static_cast<double>(crossings),
          accounting_of(status, cpu / status.seconds)};
}

Measured run(const Options& options, std::uint64_t records, const World& world) {
  const auto meter = std::make_shared<Meter>(records / 10);
  if (options.what == "large" || options.what == "copied") {
    std::vector<std::uint64_t> keys(world.is_root() ? records : 0);
    std::iota(keys.begin(), keys.end(), 0);
    return run(large_pipeline(options, meter), std::move(keys), *meter, world);
  }
  std::vector<Small> input(world.is_root() ? records : 0);
  return run(small_pipeline(options, meter), std::move(input), *meter, world);
}

std::vector<Result> results(const Options& options, const Measured& measured) {
  const double cost = measured.cpu_per_batch_and_hop * 1e6;
  const double rate = measured.records_per_second;
  const Target cheap{Aim::at_most, 20};
  if (options.what == "large") {
    return {{"null pipeline, 1 MiB records", rate * large_bytes / 1e6, "MB/s a hop",
             Target{Aim::at_least, 0.8}, "raw MPI chain, 1 MiB messages"},
            {"CPU a batch and hop, 1 MiB records", cost, "µs"}};
  }
  if (options.what == "copied") {
    return {
        {"null pipeline, 1 MiB records that are copied", rate * large_bytes / 1e6, "MB/s a hop"},
        {"CPU a batch and hop, 1 MiB records that are copied", cost, "µs"}};
  }
  if (options.what == "single") {
    return {{"null pipeline, 64-byte records one by one", rate, "records/s"},
            {"CPU a batch and hop, batches of one 64-byte record", cost, "µs", cheap}};
  }
  return {{"null pipeline, 64-byte records in batches of 64", rate, "records/s",
           Target{Aim::at_least, 500e3}},
          {"CPU a batch and hop, batches of 64 × 64 bytes", cost, "µs", cheap}};
}

int main_of(Options options) {
  if (options.what == "copied") setenv("SLUICE_LEND", "0", 1);
  if (options.batch == 0) options.batch = options.what == "small" ? 64 : 1;
  const World world;
  run(options, options.records / 10, world);  // so that the transport is set up
  const auto measured = run(options, options.records, world);
  if (!world.is_root()) return 0;
  auto all = results(options, measured);
  for (auto& result : all) result.note = measured.note;
  print(all, options.json);
  return 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  CLI::App app("The speed of three stages that do nothing; start it on 4 ranks");
  sluice::bench::Options options;
  app.add_option("--case", options.what,
                 "large: 1 MiB records; copied: the same, as between two nodes; small: 64-byte "
                 "records in batches of 64; single: 64-byte "
                 "records in batches of one")
      ->check(CLI::IsMember({"large", "copied", "small", "single"}));
  app.add_option("--records", options.records)->check(CLI::Range(100, 1000000000));
  app.add_option("--batch", options.batch, "records in a batch, if not the case's own");
  app.add_option("--slots", options.slots, "input slots of a worker");
  app.add_flag("--json", options.json, "print JSON, one object a line");
  CLI11_PARSE(app, argc, argv);
  return sluice::guard_main([&options] { return sluice::bench::main_of(options); });
}
