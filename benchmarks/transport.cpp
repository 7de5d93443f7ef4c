// Two ranks that send each other messages through sluice's transport, and beside it by hand in MPI:
// on 2 ranks, or bare for two threads, where there is no MPI.
#include "transport/transport.hpp"
#include "common/payload.hpp"
#include "common/report.hpp"
#include "common/samples.hpp"
#include "common/world.hpp"
#include "transport/local.hpp"
#include "transport/mpi.hpp"

#include <sluice/error.hpp>
#include <sluice/run.hpp>

#include <mpi.h>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sluice::bench {
namespace {

using transport::Message;
using transport::Transport;

constexpr std::size_t small = 8;
constexpr std::size_t middling = 1024;
constexpr int window = 64;  // messages that a sender may be ahead

// How a rank of raw MPI sends to the other one, and receives from it.
class RawWire {
 public:
  explicit RawWire(int rank) : other_(1 - rank), rank_(rank), bytes_(large_bytes) {}

  int rank() const { return rank_; }
  void give(std::size_t size, std::uint64_t number) {
    stamp(bytes_.data(), size, number);
    MPI_Send(bytes_.data(), static_cast<int>(size), MPI_BYTE, other_, 0, MPI_COMM_WORLD);
  }
  void take(std::size_t size, std::uint64_t number) {
    MPI_Recv(bytes_.data(), static_cast<int>(size), MPI_BYTE, other_, 0, MPI_COMM_WORLD,
             MPI_STATUS_IGNORE);
    check_stamp(bytes_.data(), size, number);
  }

 private:
  int other_;
  int rank_;
  std::vector<std::byte> bytes_;
};

// The same through sluice. Small messages are bytes, large ones buffers.
class SluiceWire {
 public:
  explicit SluiceWire(Transport& end) : end_(end) {}

  int rank() const { return end_.rank(); }
  void give(std::size_t size, std::uint64_t number) {
    Message message{1 - end_.rank(), {}, {}};
    if (size < large_bytes) {
      message.bytes.resize(size);
      stamp(reinterpret_cast<std::byte*>(message.bytes.data()), size, number);
    } else {
      stamp(message.buffers.emplace_back(size).mutable_data(), size, number);
    }
    end_.send(std::move(message));
  }
  void take(std::size_t size, std::uint64_t number) {
    auto message = end_.receive();
    for (; !message; message = end_.receive()) end_.wait(std::chrono::milliseconds(10));
    const auto* bytes = message->buffers.empty()
                            ? reinterpret_cast<const std::byte*>(message->bytes.data())
                            : message->buffers.front().data();
    check_stamp(bytes, size, number);
  }

 private:
  Transport& end_;
};

/// Half a round trip, p50, in µs.
template <class Wire>
double latency(Wire& wire, std::size_t size, std::uint64_t count) {
  std::vector<double> halves;
  for (std::uint64_t i = 0; i < count; ++i) {
    const double before = monotonic_seconds();
    if (wire.rank() == 0) wire.give(size, i);
    wire.take(size, i);
    if (wire.rank() != 0) wire.give(size, i);
    halves.push_back((monotonic_seconds() - before) / 2 * 1e6);
  }
  return quantile(halves, 0.5);
}

/// Messages a second from rank 0 to rank 1, once the first tenth has passed.
template <class Wire>
double rate(Wire& wire, std::size_t size, std::uint64_t count) {
  Meter meter(count / 10);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (wire.rank() == 0) {
      wire.give(size, i);
      if (i % window == window - 1) wire.take(small, i);
    } else {
      wire.take(size, i);
      if (i % window == window - 1) wire.give(small, i);
    }
    meter.note(1);
  }
  return meter.rate();
}

template <class Wire>
std::vector<Result> measure(Wire& wire, const std::string& by, std::uint64_t count) {
  const auto name = [&](const char* what) { return fmt::format("{}: {}", what, by); };
  std::vector<Result> results;
  results.push_back({name("half a round trip, 8 B, p50"), latency(wire, small, count), "µs"});
  results.push_back({name("half a round trip, 1 KiB, p50"), latency(wire, middling, count), "µs"});
  results.push_back({name("messages of 8 B"), rate(wire, small, count * 10), "messages/s"});
  results.push_back({name("messages of 1 KiB"), rate(wire, middling, count * 10), "messages/s"});
  const double large = rate(wire, large_bytes, std::max<std::uint64_t>(count / 10, 640));
  results.push_back({name("messages of 1 MiB"), large * large_bytes / 1e6, "MB/s"});
  return results;
}

void on_ranks(const World& world, std::uint64_t count, bool json) {
  if (world.size() != 2) throw UsageError("start it on 2 ranks, or bare");
  RawWire raw(world.rank());
  auto results = measure(raw, "raw MPI", count);
  const auto end = transport::make_mpi_rank();
  SluiceWire wire(*end);
  auto own = measure(wire, "sluice over MPI", count);
  end->flush(std::chrono::seconds(10));
  world.mpi_barrier();
  results.insert(results.end(), own.begin(), own.end());
  if (world.is_root()) print(results, json);
}

void on_threads(std::uint64_t count, bool json) {
  const auto ends = transport::make_local_ranks(2);
  std::thread other([&] {
    SluiceWire wire(*ends[1]);
    measure(wire, "", count);
  });
  SluiceWire wire(*ends[0]);
  const auto results = measure(wire, "sluice between threads", count);
  other.join();
  print(results, json);
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  CLI::App app("Messages between two ranks; start it on 2 ranks, or bare for threads");
  std::uint64_t count = 10000;
  bool json = false;
  app.add_option("--count", count, "round trips; ten times as many messages")
      ->check(CLI::Range(100, 10000000));
  app.add_flag("--json", json, "print JSON, one object a line");
  CLI11_PARSE(app, argc, argv);
  return sluice::guard_main([=] {
    const sluice::bench::World world;
    if (world.size() > 1) {
      sluice::bench::on_ranks(world, count, json);
    } else {
      sluice::bench::on_threads(count, json);
    }
    return 0;
  });
}
