// Shards against raw write(2) and read(2) of the same records to and from the same folder, in
// turns: each round writes a raw file and a shard, and reads both back. Neither syncs.
#include "common/payload.hpp"
#include "common/report.hpp"
#include "common/world.hpp"
#include "store/shard_reader.hpp"
#include "store/shard_writer.hpp"

#include <sluice/encoded_batch.hpp>
#include <sluice/error.hpp>
#include <sluice/run.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <array>
#include <deque>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace sluice::bench {
namespace {

constexpr std::uint64_t file_bytes = 64 << 20;  // what a shard usually has
constexpr std::size_t attach_from = 4096;       // as the codec does it
constexpr std::uint64_t batch_bytes = 1 << 20;
constexpr std::size_t held_batches = 16;  // as a stage holds its batch and its prefetched one

struct Case {
  std::string name;
  std::size_t record_bytes;
};

// A megabyte of records, written again and again.
EncodedBatch make_batch(std::size_t record_bytes) {
  EncodedBatch batch;
  for (std::uint64_t i = 0; i < batch_bytes / record_bytes; ++i) {
    Buffer payload(record_bytes);
    std::memset(payload.mutable_data(), static_cast<int>(i + 1), record_bytes);
    if (record_bytes < attach_from) {
      batch.open_bytes() += payload.view();
    } else {
      batch.attach(std::move(payload));
    }
    batch.end_record({i, {}});
  }
  return batch;
}

std::string_view payload(const EncodedBatch& batch, std::size_t i) {
  const auto buffers = batch.record_buffers(i);
  return buffers.empty() ? batch.record_bytes(i) : buffers[0].view();
}

class File {
 public:
  File(const std::filesystem::path& path, int flags)
      : number_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {
    if (number_ < 0) throw IoError("cannot open " + path.string());
  }
  ~File() { ::close(number_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

void check(ssize_t done, std::size_t wanted) {
  if (done != static_cast<ssize_t>(wanted)) throw IoError("a raw read or write fell short");
}

// One call a record; small records would be a system call each, so of those a batch at a time.
void write_raw(const std::filesystem::path& path, const EncodedBatch& batch) {
  const File file(path, O_WRONLY | O_CREAT | O_TRUNC);
  const bool attached = !batch.record_buffers(0).empty();
  for (std::uint64_t done = 0; done < file_bytes; done += batch_bytes) {
    for (std::size_t i = 0; attached && i < batch.size(); ++i) {
      const auto bytes = payload(batch, i);
      check(::write(file.number(), bytes.data(), bytes.size()), bytes.size());
    }
    if (!attached) {
      check(::write(file.number(), batch.record_bytes(0).data(), batch_bytes), batch_bytes);
    }
  }
}

void read_raw(const std::filesystem::path& path, std::size_t record_bytes) {
  const File file(path, O_RDONLY);
  const auto size = record_bytes < attach_from ? batch_bytes : record_bytes;
  std::deque<Buffer> held;
  for (std::uint64_t done = 0; done < file_bytes; done += size) {
    if (held.size() * size >= held_batches * batch_bytes) held.pop_front();
    auto& buffer = held.emplace_back(size);
    check(::read(file.number(), buffer.mutable_data(), size), size);
  }
}

store::ShardInfo write_shard(const std::filesystem::path& path, const EncodedBatch& batch) {
  store::ShardWriter writer(path);
  for (std::uint64_t done = 0; done < file_bytes; done += batch_bytes) writer.append(batch);
  return writer.finish({"shard.h5", "benchmark", {}});
}

void read_shard(const std::filesystem::path& path, const store::ShardInfo& info) {
  store::ShardReader reader(path, path.string(), info);
  std::deque<EncodedBatch> held;
  for (std::uint64_t next = 0; next < reader.size();) {
    if (held.size() == held_batches) held.pop_front();
    next += held.emplace_back(reader.read(next, reader.size(), batch_bytes)).size();
  }
}

template <class Work>
double seconds_of(Work work) {
  const double since = monotonic_seconds();
  work();
  return monotonic_seconds() - since;
}

Result speed(const Case& one, const char* doing, bool raw, double seconds) {
  const double target = doing == std::string("write") ? 0.85 : 0.80;
  const auto name = [&](const char* with) {
    return fmt::format("{} records, {} {}", one.name, with, doing);
  };
  const double value = static_cast<double>(file_bytes) / seconds / 1e6;
  if (raw) return {name("raw"), value, "MB/s"};
  return {name("shard"), value, "MB/s", Target{Aim::at_least, target}, name("raw")};
}

Result rate(const Case& one, const char* doing, double seconds) {
  return {fmt::format("{} records, shard {}", one.name, doing),
          static_cast<double>(file_bytes / one.record_bytes) / seconds, "records/s",
          Target{Aim::at_least, 1e6}};
}

// Whoever comes second finds the disk busier and the caches fuller, so they take turns in that too.
template <class Raw, class Shard>
std::pair<double, double> seconds_of_both(bool raw_first, Raw raw, Shard shard) {
  std::pair<double, double> seconds;
  if (raw_first) seconds.first = seconds_of(raw);
  seconds.second = seconds_of(shard);
  if (!raw_first) seconds.first = seconds_of(raw);
  return seconds;
}

void measure(const Case& one, const std::filesystem::path& folder, bool raw_first, bool json) {
  const auto batch = make_batch(one.record_bytes);
  const auto raw = folder / "raw";
  const auto shard = folder / "shard.h5";
  std::filesystem::remove(raw);
  std::filesystem::remove(shard);
  store::ShardInfo info;
  const auto [raw_write, shard_write] = seconds_of_both(
      raw_first, [&] { write_raw(raw, batch); }, [&] { info = write_shard(shard, batch); });
  const auto [raw_read, shard_read] = seconds_of_both(
      raw_first, [&] { read_raw(raw, one.record_bytes); }, [&] { read_shard(shard, info); });
  if (one.record_bytes < attach_from) {
    print({rate(one, "write", shard_write), rate(one, "read", shard_read)}, json);
    return;
  }
  print({speed(one, "write", true, raw_write), speed(one, "write", false, shard_write),
         speed(one, "read", true, raw_read), speed(one, "read", false, shard_read)},
        json);
}

int main_of(const std::filesystem::path& folder, int rounds, bool json) {
  const std::array<Case, 3> cases{{{"64 KiB", 64 << 10}, {"1 MiB", 1 << 20}, {"1 KiB", 1 << 10}}};
  std::filesystem::create_directories(folder);
  for (int round = 0; round < rounds; ++round) {
    for (const auto& one : cases) measure(one, folder, round % 2 == 0, json);
  }
  std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  CLI::App app("Shards against raw write(2) and read(2) in the same folder");
  std::string folder = "benchmarks/results/shards.tmp";
  int rounds = 15;
  bool json = false;
  app.add_option("--folder", folder, "where to write; made, and removed at the end");
  app.add_option("--rounds", rounds, "how often everything is done")->check(CLI::Range(1, 1000));
  app.add_flag("--json", json, "print JSON, one object a line");
  CLI11_PARSE(app, argc, argv);
  return sluice::guard_main([&] { return sluice::bench::main_of(folder, rounds, json); });
}
