// A chain of three stages whose middle one is a model in Python, in a process of its own: the same
// as peers/*.py do with --work none,model,none. On one rank more than there are workers.
#include "common/accounting.hpp"
#include "common/launch.hpp"
#include "common/samples.hpp"
#include "common/work.hpp"
#include "common/world.hpp"

#include <sluice/sluice.hpp>

#include <CLI/CLI.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice::bench {
namespace {

struct Options {
  Chain chain;
  std::size_t batch = 1;
  std::size_t depth = 2;  ///< so that the next batch is there when one is answered
  std::vector<std::string> command;
  std::filesystem::path run_dir = ".";
};

class Drop : public Stage<Record, Record> {
 public:
  explicit Drop(std::shared_ptr<Log> ends) : ends_(std::move(ends)) {}

  void process(Batch<Record>& batch, Emitter<Record>&) override {
    for (const auto& record : batch) {
      if (!record.has("scores")) throw StageError("the model made no scores of " + record.key);
      ends_->add({monotonic_seconds()});
    }
  }

 private:
  std::shared_ptr<Log> ends_;
};

Record with_bytes(Record record, std::size_t bytes) {
  record.set("bytes", Buffer::adopt(std::string(bytes, '\0')));
  return record;
}

Pipeline<Record> pipeline_of(const Options& options, const std::shared_ptr<Log>& ends) {
  const auto bytes = options.chain.bytes;
  ProcessOptions model{.command = options.command, .batch_size = options.batch};
  const auto spec = [&](const char* name) {
    return StageSpec{
        .name = name, .batch_size = options.batch, .workers = options.chain.workers_of(0)};
  };
  auto model_spec = spec("model");
  model_spec.depth = options.depth;
  return Pipeline<Record>("model")
      .then(map<Record>([bytes](Record record) { return with_bytes(std::move(record), bytes); }),
            spec("make"))
      .then(ProcessStage(std::move(model)), model_spec)
      .then(Drop(ends), spec("drop"));
}

std::vector<Record> input_of(std::uint64_t records) {
  std::vector<Record> input;
  for (std::uint64_t i = 0; i < records; ++i) input.emplace_back(std::to_string(i));
  return input;
}

int main_of(const Options& options) {
  const auto launch = launch_time();
  const World world;
  const auto ends = std::make_shared<Log>();
  PipelineSpec<Record, Record> spec(pipeline_of(options, ends),
                                    [&] { return input_of(options.chain.records); });
  spec.options.workers = 3 * options.chain.workers_of(0);
  spec.options.run_dir = options.run_dir;
  world.mpi_barrier();
  const double cpu_before = cpu_seconds();
  Course course{monotonic_seconds(), {}, {}, {}, "sluice", launch};
  const auto status = run_pipeline(spec).status;
  const double seconds = monotonic_seconds() - course.start;
  const double cpu = world.sum(cpu_seconds() - cpu_before);  // without the model's process
  course.ends = world.gather(ends->values());
  course.note = accounting_of(status, cpu / seconds);
  if (!world.is_root()) return 0;
  auto results = results_of(options.chain, course);
  results.push_back({options.chain.title + ", utilisation of the bottleneck",
                     utilisation_of_bottleneck(status), "of 1"});
  print(results, options.chain.json);
  return 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  CLI::App app("The speed of a chain with a model in Python");
  sluice::bench::Options options;
  options.chain.add_to(app);
  app.add_option("--batch", options.batch, "records in a batch");
  app.add_option("--depth", options.depth, "batches that the model's process has at once");
  app.add_option("--command", options.command, "of the model's process")->required();
  app.add_option("--run-dir", options.run_dir, "for logs");
  CLI11_PARSE(app, argc, argv);
  return sluice::guard_main([&options] { return sluice::bench::main_of(options); });
}
