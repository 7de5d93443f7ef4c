// What the channels of a congested pipeline store: three stages of four workers, 1 MiB outputs, the
// last stage 100 times slower. On 13 ranks, or bare for threads.
#include "common/payload.hpp"
#include "common/report.hpp"
#include "common/samples.hpp"
#include "common/world.hpp"

#include <sluice/sluice.hpp>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

namespace sluice::bench {
namespace {

constexpr std::size_t workers = 4;
constexpr double fast = 0.1e-3;
constexpr double slow = 100 * fast;
// A record beside its buffer: its number and the buffer's size, encoded.
constexpr std::uint64_t record_bytes = large_bytes + 16;

class Drop : public Stage<Blob, Blob> {
 public:
  void process(Batch<Blob>& batch, Emitter<Blob>&) override {
    check_stamp(batch[0].bytes.data(), batch[0].bytes.size(), batch[0].number);
    sleep_precisely(slow);
  }
};

Pipeline<std::uint64_t, Blob> congested() {
  const auto make = map<std::uint64_t>([](std::uint64_t number) {
    sleep_precisely(fast);
    return make_blob(number);
  });
  const auto pass = map<Blob>([](Blob blob) {
    sleep_precisely(fast);
    return blob;
  });
  return Pipeline<std::uint64_t>("congested")
      .then(make, {.name = "make", .workers = workers})
      .then(pass, {.name = "pass", .workers = workers})
      .then(Drop(), {.name = "drop", .workers = workers});
}

// Channel k holds at most one output batch for each worker before it and one input batch for each
// worker after it, all of one record here.
Result stored(std::size_t k, const ChannelStatus& channel, const std::string& on) {
  const double bound = static_cast<double>(2 * workers * record_bytes);
  return {fmt::format("peak bytes in channel {}, {}", k, on),
          static_cast<double>(channel.peak_bytes) / 1048576, "MiB",
          Target{Aim::at_most, bound / 1048576}};
}

std::vector<Result> results(const RunStatus& status, const std::vector<double>& resident,
                            double before, const std::string& on) {
  std::vector<Result> rows;
  double total = 0;
  for (std::size_t k = 1; k < status.channels.size(); ++k) {
    rows.push_back(stored(k, status.channels[k], on));
    rows.push_back({fmt::format("peak records in channel {}, {}", k, on),
                    static_cast<double>(status.channels[k].peak_records), "records",
                    Target{Aim::at_most, static_cast<double>(2 * workers)}});
    total += rows[rows.size() - 2].value;
  }
  rows.push_back({"sum of the channels' peaks, " + on, total, "MiB",
                  Target{Aim::at_most, static_cast<double>(3 * workers * 2)}});
  rows.push_back({"peak resident memory, all ranks, " + on,
                  std::accumulate(resident.begin(), resident.end(), 0.0) / 1048576, "MiB"});
  rows.push_back({"peak resident memory, largest rank, " + on,
                  *std::max_element(resident.begin(), resident.end()) / 1048576, "MiB"});
  rows.push_back({"of this before the run, all ranks, " + on, before / 1048576, "MiB"});
  return rows;
}

int main_of(std::uint64_t records, bool json) {
  const World world;
  std::vector<std::uint64_t> numbers(world.is_root() ? records : 0);
  std::iota(numbers.begin(), numbers.end(), 0);
  PipelineSpec spec(congested(), std::move(numbers));
  spec.options.workers = 3 * workers;
  const double before = world.sum(static_cast<double>(peak_resident_bytes()));
  const auto status = run_pipeline(spec).status;
  const auto resident = world.gather({static_cast<double>(peak_resident_bytes())});
  if (world.is_root()) print(results(status, resident, before, world.transport()), json);
  return 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  CLI::App app("What a congested pipeline stores; start it on 13 ranks, or bare for threads");
  std::uint64_t records = 2000;
  bool json = false;
  app.add_option("--records", records)->check(CLI::Range(1, 1000000));
  app.add_flag("--json", json, "print JSON, one object a line");
  CLI11_PARSE(app, argc, argv);
  return sluice::guard_main([=] { return sluice::bench::main_of(records, json); });
}
