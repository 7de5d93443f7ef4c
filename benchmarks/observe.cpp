// What it costs to observe a run that does nothing else, under mpirun -n 4: pictures of it every
// second with metrics, and a trace of every batch. With and without, by turns.
#include "common/report.hpp"
#include "common/samples.hpp"
#include "common/world.hpp"
#include "observe/history.hpp"
#include "store/trace_file.hpp"

#include <sluice/sluice.hpp>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <array>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace sluice::bench {
namespace {

struct Options {
  std::uint64_t records = 1'000'000;
  std::size_t batch = 64;
  int rounds = 5;
  std::filesystem::path run_dir = "observe-benchmark";
  bool json = false;
};

enum class Observed { not_at_all, by_metrics, by_trace };

struct Small {
  std::array<std::uint64_t, 8> words{};

  template <class Archive>
  void serialize(Archive& archive) {
    archive(words);
  }
};

Small same(Small record) { return record; }

Pipeline<Small, Small> pipeline(std::size_t batch) {
  const auto stage = [batch](const char* name) {
    return StageSpec{.name = name, .batch_size = batch, .workers = 1};
  };
  return Pipeline<Small>("null")
      .then(map<Small>(same), stage("first"))
      .then(map<Small>(same), stage("pass"))
      .then(map<Small>(same), stage("last"));
}

double seconds(const Options& options, Observed observed, const World& world) {
  PipelineSpec<Small, Small> spec(pipeline(options.batch), std::function<std::vector<Small>()>([&] {
                                    return std::vector<Small>(options.records);
                                  }));
  spec.options.run_dir = options.run_dir;
  spec.options.trace = observed == Observed::by_trace;
  observe::History history(options.run_dir);
  if (observed == Observed::by_metrics) {
    if (world.is_root()) history.begin();
    spec.options.on_status = [&](const RunStatus& status) {
      history.note(status, std::chrono::system_clock::now());
    };
  }
  world.mpi_barrier();
  return run_pipeline(spec).status.seconds;
}

int main_of(const Options& options) {
  const World world;
  if (world.is_root()) std::filesystem::create_directories(options.run_dir);
  seconds(options, Observed::not_at_all, world);  // so that the transport is set up
  std::vector<double> metrics;
  std::vector<double> trace;
  for (int i = 0; i < options.rounds; ++i) {
    const double before = seconds(options, Observed::not_at_all, world);
    const double with_metrics = seconds(options, Observed::by_metrics, world);
    const double with_trace = seconds(options, Observed::by_trace, world);
    const double after = seconds(options, Observed::not_at_all, world);
    if (world.is_root()) store::forget_traces(options.run_dir);
    metrics.push_back((before + after) / 2 / with_metrics);
    trace.push_back((before + after) / 2 / with_trace);
  }
  if (!world.is_root()) return 0;
  const auto what = [&](const char* how) {
    return fmt::format("null pipeline {}, batches of {}, of its speed without", how, options.batch);
  };
  const bool usual = options.batch > 1;
  const auto target = [usual](double least) {
    return usual ? std::optional(Target{Aim::at_least, least}) : std::nullopt;
  };
  print({{what("with metrics"), quantile(metrics, 0.5), "", target(0.99)},
         {what("with a trace"), quantile(trace, 0.5), "", target(0.97)}},
        options.json);
  return 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  CLI::App app("What it costs to observe a run; start it on 4 ranks");
  sluice::bench::Options options;
  app.add_option("--records", options.records)->check(CLI::Range(100, 1000000000));
  app.add_option("--batch", options.batch, "records in a batch")->check(CLI::PositiveNumber);
  app.add_option("--rounds", options.rounds)->check(CLI::PositiveNumber);
  app.add_option("--run-dir", options.run_dir);
  app.add_flag("--json", options.json, "print JSON, one object a line");
  CLI11_PARSE(app, argc, argv);
  return sluice::guard_main([&options] { return sluice::bench::main_of(options); });
}
