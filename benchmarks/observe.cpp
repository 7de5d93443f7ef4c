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

/// What a run took; CPU time, of all ranks, says more on a machine that does other things too.
struct Cost {
  double seconds = 0;
  double cpu = 0;
};

Cost cost(const Options& options, Observed observed, const World& world) {
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
  const double before = cpu_seconds();
  const auto status = run_pipeline(spec).status;
  return {status.seconds, world.sum(cpu_seconds() - before)};
}

struct Ratios {
  std::vector<double> speed;
  std::vector<double> cpu;

  void note(const Cost& before, const Cost& after, const Cost& with) {
    speed.push_back((before.seconds + after.seconds) / 2 / with.seconds);
    cpu.push_back(with.cpu / ((before.cpu + after.cpu) / 2));
  }
};

int main_of(const Options& options) {
  const World world;
  if (world.is_root()) std::filesystem::create_directories(options.run_dir);
  cost(options, Observed::not_at_all, world);  // so that the transport is set up
  Ratios metrics;
  Ratios trace;
  for (int i = 0; i < options.rounds; ++i) {
    const auto before = cost(options, Observed::not_at_all, world);
    const auto with_metrics = cost(options, Observed::by_metrics, world);
    const auto with_trace = cost(options, Observed::by_trace, world);
    const auto after = cost(options, Observed::not_at_all, world);
    if (world.is_root()) store::forget_traces(options.run_dir);
    metrics.note(before, after, with_metrics);
    trace.note(before, after, with_trace);
  }
  if (!world.is_root()) return 0;
  const auto what = [&](const char* how) {
    return fmt::format("null pipeline in batches of {}, {}", options.batch, how);
  };
  const bool usual = options.batch > 1;
  const auto target = [usual](double least) {
    return usual ? std::optional(Target{Aim::at_least, least}) : std::nullopt;
  };
  print(
      {{what("speed with metrics, of that without"), quantile(metrics.speed, 0.5), "",
        target(0.99)},
       {what("speed with a trace, of that without"), quantile(trace.speed, 0.5), "", target(0.97)},
       {what("CPU time with metrics, of that without"), quantile(metrics.cpu, 0.5), ""},
       {what("CPU time with a trace, of that without"), quantile(trace.cpu, 0.5), ""}},
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
