// What each rank holds in batch mode while a stage's records go through the store: a stage makes
// them, the next one reads them. On 4 ranks, or bare for threads.
#include "common/payload.hpp"
#include "common/report.hpp"
#include "common/world.hpp"

#include <sluice/sluice.hpp>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

namespace sluice::bench {
namespace {

struct Settings {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::string run_dir;
  bool json = false;
};

Pipeline<std::uint64_t, std::uint64_t> through_the_store(std::uint64_t bytes) {
  const auto make = map<std::uint64_t>([bytes](std::uint64_t number) {
    Blob blob{number, Buffer(bytes)};
    stamp(blob.bytes.mutable_data(), bytes, number);
    return blob;
  });
  const auto check = map<Blob>([](Blob blob) {
    check_stamp(blob.bytes.data(), blob.bytes.size(), blob.number);
    return blob.number;
  });
  const std::size_t batch = std::max<std::uint64_t>(1, 65536 / bytes);
  return Pipeline<std::uint64_t>("through the store")
      .then(make, {.name = "make", .batch_size = batch})
      .then(check, {.name = "check", .batch_size = batch});
}

std::vector<Result> results(const Settings& settings, const RunStatus& status,
                            const std::vector<double>& resident, const std::string& on) {
  const auto what = fmt::format("{} records of {} B, {}", settings.records, settings.bytes, on);
  const double mebibytes = static_cast<double>(settings.records * settings.bytes) / 1048576;
  return {{"batch mode, peak resident memory, largest rank, " + what,
           *std::max_element(resident.begin(), resident.end()) / 1048576, "MiB",
           Target{Aim::at_most, 400}},
          {"of the coordinator, " + what, resident.front() / 1048576, "MiB"},
          {"of the largest worker, " + what,
           *std::max_element(resident.begin() + (resident.size() > 1 ? 1 : 0), resident.end()) /
               1048576,
           "MiB"},
          {"written and read, " + what, mebibytes / status.seconds, "MiB/s"}};
}

int main_of(const Settings& settings) {
  const World world;
  std::vector<std::uint64_t> numbers(world.is_root() ? settings.records : 0);
  std::iota(numbers.begin(), numbers.end(), 0);
  PipelineSpec spec(through_the_store(settings.bytes), std::move(numbers));
  spec.options.mode = Mode::batch;
  spec.options.run_dir = settings.run_dir;
  spec.options.workers = 3;
  const auto status = run_pipeline(spec).status;
  const auto resident = world.gather({static_cast<double>(peak_resident_bytes())});
  if (!world.is_root()) return 0;
  print(results(settings, status, resident, world.transport()), settings.json);
  std::filesystem::remove_all(settings.run_dir);
  return 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  CLI::App app("What batch mode holds in memory; start it on 4 ranks, or bare for threads");
  sluice::bench::Settings settings{8192, 1 << 20, "batch-memory.run", false};
  app.add_option("--records", settings.records)->check(CLI::Range(1, 1000000000));
  app.add_option("--bytes", settings.bytes)->check(CLI::Range(16, 1 << 30));
  app.add_option("--run-dir", settings.run_dir, "a folder with room for all records; removed");
  app.add_flag("--json", settings.json, "print JSON, one object a line");
  CLI11_PARSE(app, argc, argv);
  return sluice::guard_main([=] { return sluice::bench::main_of(settings); });
}
