// A chain of ranks that hand messages on, written by hand in MPI: the yardstick of null_pipeline.
// Every rank but the first receives ahead into two buffers and sends on from where a message lies.
#include "common/payload.hpp"
#include "common/report.hpp"
#include "common/samples.hpp"
#include "common/world.hpp"

#include <mpi.h>

#include <CLI/CLI.hpp>

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace sluice::bench {
namespace {

constexpr std::size_t depth = 2;  // buffers of a rank: one is filled while the other is sent
constexpr std::size_t batch_records = 64;
constexpr std::size_t batch_bytes = 64 * batch_records;
constexpr int tag = 7;

struct Chain {
  int first = 0;  ///< the rank that makes the messages; the world's last rank drops them
  std::size_t bytes = 0;
  std::uint64_t messages = 0;
};

struct Slot {
  std::vector<std::byte> bytes;
  MPI_Request receive = MPI_REQUEST_NULL;
  MPI_Request send = MPI_REQUEST_NULL;
};
using Slots = std::array<Slot, depth>;

void await(MPI_Request& request) { MPI_Wait(&request, MPI_STATUS_IGNORE); }

void make(const Chain& chain, int next, Slots& slots) {
  for (std::uint64_t i = 0; i < chain.messages; ++i) {
    auto& slot = slots[i % depth];
    await(slot.send);
    stamp(slot.bytes.data(), chain.bytes, i);
    MPI_Isend(slot.bytes.data(), static_cast<int>(chain.bytes), MPI_BYTE, next, tag, MPI_COMM_WORLD,
              &slot.send);
  }
  for (auto& slot : slots) await(slot.send);
}

void receive_ahead(const Chain& chain, int previous, std::uint64_t i, Slot& slot) {
  if (i >= chain.messages) return;
  await(slot.send);
  MPI_Irecv(slot.bytes.data(), static_cast<int>(chain.bytes), MPI_BYTE, previous, tag,
            MPI_COMM_WORLD, &slot.receive);
}

void hand_on(const Chain& chain, int rank, Slots& slots) {
  for (std::uint64_t i = 0; i < depth; ++i) receive_ahead(chain, rank - 1, i, slots[i]);
  for (std::uint64_t i = 0; i < chain.messages; ++i) {
    auto& slot = slots[i % depth];
    await(slot.receive);
    MPI_Isend(slot.bytes.data(), static_cast<int>(chain.bytes), MPI_BYTE, rank + 1, tag,
              MPI_COMM_WORLD, &slot.send);
    // The other buffer's send had a whole receive's time to complete.
    if (i >= 1) receive_ahead(chain, rank - 1, i - 1 + depth, slots[(i - 1) % depth]);
  }
  for (auto& slot : slots) await(slot.send);
}

void drop(const Chain& chain, int rank, Slots& slots, Meter& meter) {
  for (std::uint64_t i = 0; i < depth; ++i) receive_ahead(chain, rank - 1, i, slots[i]);
  for (std::uint64_t i = 0; i < chain.messages; ++i) {
    auto& slot = slots[i % depth];
    await(slot.receive);
    check_stamp(slot.bytes.data(), chain.bytes, i);
    meter.note(1);
    receive_ahead(chain, rank - 1, i + depth, slot);
  }
}

// A rank without a part in the chain leaves the cores to the others.
void sleep_until_all_are_done() {
  MPI_Request all = MPI_REQUEST_NULL;
  MPI_Ibarrier(MPI_COMM_WORLD, &all);
  for (int done = 0; done == 0;) {
    sleep_precisely(1e-3);
    MPI_Test(&all, &done, MPI_STATUS_IGNORE);
  }
}

// Messages per second, on the root.
double run(const Chain& chain, const World& world) {
  Slots slots;
  for (auto& slot : slots) slot.bytes.resize(chain.bytes);
  Meter meter(chain.messages / 10);
  const int last = world.size() - 1;
  world.mpi_barrier();
  if (world.rank() == chain.first) {
    make(chain, chain.first + 1, slots);
  } else if (world.rank() == last) {
    drop(chain, last, slots, meter);
  } else if (world.rank() > chain.first) {
    hand_on(chain, world.rank(), slots);
  }
  sleep_until_all_are_done();
  return world.sum(meter.rate());
}

std::vector<Result> measure(const std::string& what, std::uint64_t records, const World& world) {
  if (what == "large") {
    const double rate = run({1, large_bytes, records}, world);
    return {{"raw MPI chain, 1 MiB messages", rate * large_bytes / 1e6, "MB/s a hop"}};
  }
  const double rate = run({0, batch_bytes, records / batch_records}, world);
  return {{"raw MPI chain, 64 × 64 bytes a message", rate * batch_records, "records/s"}};
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  CLI::App app("The speed of a chain of MPI ranks written by hand; start it on 4 ranks");
  std::string what = "large";
  std::uint64_t records = 2000;
  bool json = false;
  app.add_option("--case", what, "large: 1 MiB a message; small: 64 records of 64 bytes")
      ->check(CLI::IsMember({"large", "small"}));
  app.add_option("--records", records)->check(CLI::Range(1000, 1000000000));
  app.add_flag("--json", json, "print JSON, one object a line");
  CLI11_PARSE(app, argc, argv);

  const sluice::bench::World world(sluice::bench::World::Settings::as_it_comes);
  if (world.size() < 3) {
    std::fputs("raw_chain: start it on 3 ranks or more, with mpirun\n", stderr);
    return 2;
  }
  sluice::bench::measure(what, records / 10, world);
  const auto results = sluice::bench::measure(what, records, world);
  if (world.is_root()) sluice::bench::print(results, json);
  return 0;
}
