// How long a run that was broken off takes to go on: three stages on threads that keep a journal,
// of which one fails when nine tenths of the inputs are through.
#include "common/report.hpp"
#include "common/world.hpp"

#include <sluice/sluice.hpp>

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <numeric>
#include <vector>

namespace sluice::bench {
namespace {

// Fails at the record of that number if it is to.
auto stage_that_fails_at(std::uint64_t number) {
  return map<std::uint64_t>([number](std::uint64_t record) {
    if (record == number) throw StageError("broken off");
    return record;
  });
}

RunStatus run(std::uint64_t records, bool fails, const std::filesystem::path& folder) {
  const StageSpec spec{.batch_size = 64, .workers = 1};
  auto named = [&](const char* name) {
    auto own = spec;
    own.name = name;
    return own;
  };
  const auto same = map<std::uint64_t>([](std::uint64_t record) { return record; });
  PipelineSpec<std::uint64_t, std::uint64_t> pipeline(
      Pipeline<std::uint64_t>("resume")
          .then(same, named("first"))
          .then(stage_that_fails_at(fails ? records / 10 * 9 : records), named("middle"))
          .then(same, named("last")),
      std::function<std::vector<std::uint64_t>()>([records] {
        std::vector<std::uint64_t> input(records);
        std::iota(input.begin(), input.end(), 0);
        return input;
      }));
  pipeline.options.workers = 3;
  pipeline.options.launch = Launch::threads;
  pipeline.options.run_dir = folder;
  pipeline.options.journal = true;
  pipeline.options.commit_every = std::chrono::milliseconds(100);
  pipeline.options.fresh = fails;
  pipeline.options.resume = !fails;
  return run_pipeline(pipeline).status;
}

void break_off(std::uint64_t records, const std::filesystem::path& folder) {
  try {
    run(records, true, folder);
  } catch (const Error&) {
    return;
  }
  throw UsageError("the first run was not broken off");
}

int main_of(std::uint64_t records, const std::filesystem::path& folder, bool json) {
  std::filesystem::create_directories(folder);
  break_off(records, folder);
  const double start = monotonic_seconds();
  const auto status = run(records, false, folder);
  const double seconds = monotonic_seconds() - start;
  std::filesystem::remove_all(folder);
  if (status.done != records) throw StageError("the resumed run lost records");
  const double first = seconds - status.seconds + status.first_done.value();
  print({{"resuming, until the first record more is done", first, "s"},
         {"resuming, share of the inputs that was not done again",
          static_cast<double>(status.done_before) / static_cast<double>(records), "of 1"}},
        json);
  return 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  CLI::App app("The time until a run that was broken off goes on");
  std::uint64_t records = 1000000;
  std::filesystem::path folder = "resume-benchmark";
  bool json = false;
  app.add_option("--records", records)->check(CLI::Range(1000, 1000000000));
  app.add_option("--run-dir", folder, "is made, and removed at the end");
  app.add_flag("--json", json, "print JSON, one object a line");
  CLI11_PARSE(app, argc, argv);
  return sluice::guard_main([&] { return sluice::bench::main_of(records, folder, json); });
}
