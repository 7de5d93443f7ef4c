// What a stage in a process of its own costs: a batch to the process and back, beside memcpy and a
// bare pair of pipes that carry the same bytes, in one run. With --python, a Python stage that does
// nothing is measured, too.
#include "common/report.hpp"
#include "common/samples.hpp"
#include "common/world.hpp"

#include <sluice/process_stage.hpp>
#include <sluice/sluice.hpp>

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <array>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace sluice::bench {
namespace {

constexpr std::size_t small_bytes = 1024;
constexpr std::size_t large_bytes = 16 << 20;

struct Arguments {
  std::string worker;
  std::vector<std::string> python;
  std::string run_dir;
  int rounds = 2000;
  bool json = false;
};

Record record_of(std::size_t bytes) {
  Record record("key");
  Buffer buffer(bytes);
  std::memset(buffer.mutable_data(), 7, bytes);
  record.set("bytes", std::move(buffer));
  return record;
}

/// A process stage that is set up, and its stopwatch.
class Stopwatch {
 public:
  Stopwatch(std::vector<std::string> command, const std::string& run_dir)
      : stage_(ProcessOptions{std::move(command)}) {
    stage_.setup({"null", 0, 1, 0, "here", run_dir});
  }
  ~Stopwatch() { stage_.teardown(); }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

  /// Seconds of each of `count` round trips of a batch of so many equal records.
  std::vector<double> trips(const Record& record, std::size_t records, int count) {
    std::vector<double> seconds;
    for (int i = 0; i < count + count / 10; ++i) {
      Batch<Record> batch(std::vector<Record>(records, record));
      const double before = monotonic_seconds();
      Emitter<Record> out(records);
      stage_.process(batch, out);
      if (i >= count / 10) seconds.push_back(monotonic_seconds() - before);
      if (out.records().size() != records) throw StageError("the null stage lost records");
    }
    return seconds;
  }

 private:
  ProcessStage stage_;
};

void move_all(int file, char* bytes, std::size_t size, bool reads) {
  while (size > 0) {
    const auto moved = reads ? ::read(file, bytes, size) : ::write(file, bytes, size);
    if (moved <= 0) ::_exit(1);
    bytes += moved;
    size -= static_cast<std::size_t>(moved);
  }
}

/// A process that sends back over a pipe what came by another.
std::vector<double> pipe_trips(std::size_t bytes, int count) {
  std::array<int, 2> there{};
  std::array<int, 2> back{};
  if (::pipe(there.data()) != 0 || ::pipe(back.data()) != 0) throw StageError("no pipes");
  std::vector<char> buffer(bytes, 7);
  const pid_t child = ::fork();
  if (child == 0) {
    for (int i = 0; i < count; ++i) {
      move_all(there[0], buffer.data(), bytes, true);
      move_all(back[1], buffer.data(), bytes, false);
    }
    ::_exit(0);
  }
  std::vector<double> seconds;
  for (int i = 0; i < count; ++i) {
    const double before = monotonic_seconds();
    move_all(there[1], buffer.data(), bytes, false);
    move_all(back[0], buffer.data(), bytes, true);
    seconds.push_back(monotonic_seconds() - before);
  }
  ::waitpid(child, nullptr, 0);
  for (const int file : {there[0], there[1], back[0], back[1]}) ::close(file);
  return seconds;
}

std::vector<double> copies(std::size_t bytes, int count) {
  std::vector<char> from(bytes, 1);
  std::vector<char> to(bytes, 2);
  std::vector<double> seconds;
  for (int i = 0; i < count; ++i) {
    from[static_cast<std::size_t>(i) % bytes] = static_cast<char>(i);
    const double before = monotonic_seconds();
    std::memcpy(to.data(), from.data(), bytes);
    // The copy must not be left out.
    asm volatile("" : : "r"(to.data()) : "memory");  // NOLINT(hicpp-no-assembler)
    seconds.push_back(monotonic_seconds() - before);
  }
  return seconds;
}

double median(const std::vector<double>& seconds) { return quantile(seconds, 0.5); }

double rate_of(std::size_t bytes, const std::vector<double>& seconds) {
  return static_cast<double>(bytes) / median(seconds) / 1e9;
}

void measure_worker(const Arguments& arguments, std::vector<Result>& results) {
  const int large_rounds = std::max(20, arguments.rounds / 40);
  const auto small = record_of(small_bytes);
  const auto large = record_of(large_bytes);
  Stopwatch hands_on({arguments.worker, "echo"}, arguments.run_dir);
  Stopwatch copies_back({arguments.worker, "copy"}, arguments.run_dir);
  const auto small_trips = copies_back.trips(small, 1, arguments.rounds);
  results.push_back(
      {"1 KiB there and back, p50", median(small_trips) * 1e6, "µs", Target{Aim::at_most, 60}});
  results.push_back({"1 KiB there and back, p99", quantile(small_trips, 0.99) * 1e6, "µs"});
  results.push_back({"1 KiB there and back over pipes, p50",
                     median(pipe_trips(small_bytes, arguments.rounds)) * 1e6, "µs"});
  const auto memcpy_rate = rate_of(large_bytes, copies(large_bytes, large_rounds));
  results.push_back({"memcpy of 16 MiB", memcpy_rate, "GB/s"});
  const auto there = hands_on.trips(large, 1, large_rounds);
  results.push_back({"16 MiB to the process", rate_of(large_bytes, there), "GB/s",
                     Target{Aim::at_least, 0.5}, "memcpy of 16 MiB"});
  // There and back, with one copy on either way.
  const auto both = copies_back.trips(large, 1, large_rounds);
  const double back = median(both) - median(there);
  results.push_back({"16 MiB from the process", static_cast<double>(large_bytes) / back / 1e9,
                     "GB/s", Target{Aim::at_least, 0.5}, "memcpy of 16 MiB"});
  results.push_back({"16 MiB there and back over pipes",
                     median(pipe_trips(large_bytes, large_rounds)) * 1e3, "ms"});
  results.push_back({"16 MiB there and back", median(both) * 1e3, "ms"});
}

double per_second(const std::vector<double>& trips, std::size_t records) {
  double total = 0;
  for (const double seconds : trips) total += seconds;
  return static_cast<double>(records * trips.size()) / total;
}

void measure_python(const Arguments& arguments, std::vector<Result>& results) {
  Stopwatch null(arguments.python, arguments.run_dir);
  const auto record = record_of(100);
  results.push_back({"null Python stage, batches of one record",
                     per_second(null.trips(record, 1, arguments.rounds * 2), 1), "batches/s",
                     Target{Aim::at_least, 5000}});
  results.push_back({"null Python stage, batches of 64",
                     per_second(null.trips(record, 64, arguments.rounds), 64), "records/s",
                     Target{Aim::at_least, 100000}});
}

int main_of(const Arguments& arguments) {
  std::vector<Result> results;
  if (!arguments.worker.empty()) measure_worker(arguments, results);
  if (!arguments.python.empty()) measure_python(arguments, results);
  print(results, arguments.json);
  return 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  CLI::App app("What a stage in a process of its own costs");
  sluice::bench::Arguments arguments;
  arguments.worker = SLUICE_TEST_WORKER;
  app.add_option("--rounds", arguments.rounds)->check(CLI::Range(20, 1000000));
  app.add_option("--worker", arguments.worker, "a program that echoes; none if empty");
  app.add_option("--python", arguments.python, "command of a Python stage that does nothing");
  app.add_option("--run-dir", arguments.run_dir, "for logs")->required();
  app.add_flag("--json", arguments.json, "print JSON, one object a line");
  CLI11_PARSE(app, argc, argv);
  return sluice::guard_main([&] { return sluice::bench::main_of(arguments); });
}
