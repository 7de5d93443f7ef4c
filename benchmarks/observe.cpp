// What it costs to observe a run that does nothing else, under mpirun -n 4: pictures of it every
// second with metrics, and a trace of every batch; and without, before and after.
#include "common/accounting.hpp"
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
#include <optional>
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

/// What a run took; CPU time is that of all ranks.
struct Cost {
  double seconds = 0;
  double cpu = 0;
  std::string note = {};
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
  const double cpu = world.sum(cpu_seconds() - before);
  return {status.seconds, cpu, accounting_of(status, cpu / status.seconds)};
}

struct Kind {
  const char* name;
  Observed observed;
  std::optional<double> least = {};  ///< of the speed without
  std::vector<double> seconds = {};
  std::vector<double> cpu = {};
  std::string note = {};  ///< of the last run
};

// The first and the last are alike, and say how exact this is.
std::vector<Kind> measured(const Options& options, const World& world) {
  std::vector<Kind> kinds{{"nothing", Observed::not_at_all},
                          {"metrics", Observed::by_metrics, 0.99},
                          {"a trace", Observed::by_trace, 0.97},
                          {"nothing either", Observed::not_at_all}};
  cost(options, Observed::not_at_all, world);  // so that the transport is set up
  for (int i = 0; i < options.rounds; ++i) {
    for (auto& kind : kinds) {
      const auto run = cost(options, kind.observed, world);
      kind.seconds.push_back(run.seconds);
      kind.cpu.push_back(run.cpu);
      kind.note = run.note;
      if (world.is_root()) store::forget_traces(options.run_dir);
    }
  }
  return kinds;
}

// Of each round, as the machine's speed changes in minutes: what the runs without took, against
// what the one took that comes between them.
double median_share(const std::vector<double>& first, const std::vector<double>& last,
                    const std::vector<double>& between) {
  std::vector<double> shares;
  for (std::size_t i = 0; i < between.size(); ++i) {
    shares.push_back((first[i] + last[i]) / 2 / between[i]);
  }
  return quantile(shares, 0.5);
}

int main_of(const Options& options) {
  const World world;
  if (world.is_root()) std::filesystem::create_directories(options.run_dir);
  const auto kinds = measured(options, world);
  if (!world.is_root()) return 0;
  std::vector<Result> results;
  const auto& first = kinds.front();
  const auto& last = kinds.back();
  for (const auto& kind : kinds) {
    if (&kind == &first) continue;
    const auto& other = &kind == &last ? first : last;
    const auto what = [&](const char* figure) {
      return fmt::format("null pipeline in batches of {}, {} with {}, of that without",
                         options.batch, figure, kind.name);
    };
    std::optional<Target> target;
    if (kind.least && options.batch > 1) target = Target{Aim::at_least, *kind.least};
    results.push_back({what("speed"),
                       median_share(first.seconds, other.seconds, kind.seconds),
                       "",
                       target,
                       {},
                       kind.note});
    results.push_back({what("CPU time"), 1 / median_share(first.cpu, other.cpu, kind.cpu), ""});
  }
  print(results, options.json);
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
