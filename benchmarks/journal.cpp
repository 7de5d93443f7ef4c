// What the journal costs a run that does nothing else, under mpirun -n 4, and how long it takes to
// read one of ten million inputs.
#include "store/journal.hpp"
#include "common/report.hpp"
#include "common/world.hpp"
#include "runtime/run_journal.hpp"

#include <sluice/sluice.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <numeric>
#include <random>
#include <thread>
#include <vector>

namespace sluice::bench {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Small {
  std::array<std::uint64_t, 8> words{};

  template <class Archive>
  void serialize(Archive& archive) {
    archive(words);
  }
};

/// Holds the run to 100,000 records a second.
class Pace : public Stage<Small, Small> {
 public:
  void process(Batch<Small>& batch, Emitter<Small>& out) override {
    due_ = std::max(due_ + std::chrono::microseconds(10 * static_cast<long>(batch.size())),
                    Clock::now() - slack);
    for (std::size_t i = 0; i < batch.size(); ++i) out.emit(i, batch[i]);
    std::this_thread::sleep_until(due_);
  }

 private:
  static constexpr std::chrono::milliseconds slack{50};
  Clock::time_point due_ = Clock::now();
};

Small same(Small record) { return record; }

double records_per_second(std::uint64_t records, bool journal, const std::filesystem::path& folder,
                          const World& world) {
  const StageSpec spec{.batch_size = 64, .workers = 1};
  auto named = [&](const char* name) {
    auto own = spec;
    own.name = name;
    return own;
  };
  PipelineSpec<Small, Small> run(
      Pipeline<Small>("null")
          .then(map<Small>(same), named("first"))
          .then(Pace(), named("pace"))
          .then(map<Small>(same), named("last")),
      std::function<std::vector<Small>()>([&] { return std::vector<Small>(records); }));
  run.options.run_dir = folder;
  run.options.journal = journal;
  run.options.fresh = true;
  world.mpi_barrier();
  const auto start = Clock::now();
  run_pipeline(run);
  return static_cast<double>(records) / seconds_since(start);
}

void compare(std::uint64_t records, int rounds, const std::filesystem::path& folder,
             const World& world, bool json) {
  records_per_second(records / 10, true, folder, world);  // so that the transport is set up
  std::vector<double> ratios;
  std::vector<double> rates;
  for (int i = 0; i < rounds; ++i) {
    const double plain = records_per_second(records, false, folder, world);
    const double kept = records_per_second(records, true, folder, world);
    ratios.push_back(kept / plain);
    rates.push_back(kept);
  }
  if (!world.is_root()) return;
  const auto median = [](std::vector<double>& values) {
    std::nth_element(values.begin(), values.begin() + static_cast<long>(values.size() / 2),
                     values.end());
    return values[values.size() / 2];
  };
  print(
      {{"null pipeline that keeps a journal", median(rates), "records/s"},
       {"speed with a journal, of that without", median(ratios), "", Target{Aim::at_least, 0.97}}},
      json);
}

/// `disorder`: how far from their order inputs are done.
void recover(std::uint64_t inputs, std::uint64_t disorder, const char* order,
             const std::filesystem::path& folder, bool json) {
  std::mt19937_64 random(1);
  std::vector<std::uint64_t> done(inputs);
  std::iota(done.begin(), done.end(), 0);
  for (std::uint64_t first = 0; first < inputs; first += disorder) {
    const auto end = std::min(inputs, first + disorder);
    std::shuffle(done.begin() + static_cast<long>(first), done.begin() + static_cast<long>(end),
                 random);
  }
  const auto path = folder / "large-journal";
  {
    store::Journal journal(path);
    journal.append(runtime::opening_entry({"input"}, inputs));
    constexpr std::uint64_t commit = 500'000;
    for (std::uint64_t first = 0; first < inputs; first += commit) {
      const auto end = std::min(inputs, first + commit);
      std::sort(done.begin() + static_cast<long>(first), done.begin() + static_cast<long>(end));
      runtime::Commit entry;
      for (auto i = first; i < end; ++i) entry.settled.done.add(done[i]);
      journal.append(runtime::commit_entry(entry));
    }
  }
  const auto start = Clock::now();
  const auto state = runtime::replay(store::Journal::read(path).entries);
  const double seconds = seconds_since(start);
  const auto bytes = std::filesystem::file_size(path);
  std::filesystem::remove(path);
  if (state.settled() != inputs) throw std::runtime_error("the journal lost inputs");
  const auto name = std::string("journal of 10,000,000 inputs done ") + order;
  print({{name + ", reading", seconds, "s", Target{Aim::at_most, 10}},
         {name + ", size", static_cast<double>(bytes) / 1e6, "MB"}},
        json);
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  using namespace sluice::bench;
  CLI::App app("What a journal costs; start it on 4 ranks");
  std::uint64_t records = 1'000'000;
  int rounds = 3;
  std::filesystem::path folder = "journal-benchmark";
  bool json = false;
  app.add_option("--records", records)->check(CLI::Range(1000, 1000000000));
  app.add_option("--rounds", rounds)->check(CLI::Range(1, 1000));
  app.add_option("--run-dir", folder);
  app.add_flag("--json", json, "print JSON, one object a line");
  CLI11_PARSE(app, argc, argv);
  return sluice::guard_main([&] {
    const World world;
    std::filesystem::create_directories(folder);
    compare(records, rounds, folder, world, json);
    if (world.is_root()) {
      recover(10'000'000, 1, "in order", folder, json);
      recover(10'000'000, 10'000, "nearly in order", folder, json);
      recover(10'000'000, 10'000'000, "in any order", folder, json);
    }
    return 0;
  });
}
