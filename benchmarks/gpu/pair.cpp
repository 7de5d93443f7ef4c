#include "gpu/link.hpp"
#include "gpu/platform.hpp"
#include "measure.hpp"

#include <sluice/error.hpp>

#include <mpi.h>

#include <thread>

namespace bench {
namespace {

namespace gpu = sluice::gpu;
using sluice::Buffer;

constexpr std::size_t bytes = std::size_t{64} << 20U;
constexpr int runs = 20;

// A short text from rank 0 to rank 1.
std::string tell(std::string text) {
  int size = static_cast<int>(text.size());
  MPI_Bcast(&size, 1, MPI_INT, 0, MPI_COMM_WORLD);
  text.resize(static_cast<std::size_t>(size));
  MPI_Bcast(text.data(), size, MPI_CHAR, 0, MPI_COMM_WORLD);
  return text;
}

double copy_on_device(gpu::Device& device) {
  const auto from = device.allocate(bytes);
  return bandwidth(bytes, runs, [&] {
    auto to = device.allocate(bytes);
    check(cudaMemcpyAsync(to.mutable_data(), from.data(), bytes, cudaMemcpyDeviceToDevice,
                          static_cast<cudaStream_t>(device.stream())),
          "cudaMemcpyAsync");
    device.synchronize();
  });
}

nlohmann::json measure_ipc(gpu::Device& device, int rank) {
  Buffer mine = device.allocate(bytes);
  const auto shared = tell(rank == 0 ? device.share(mine) : std::string());
  nlohmann::json result;
  if (rank == 1) {
    device.copy_shared(shared, bytes);  // opens the handle
    const double ipc = bandwidth(bytes, runs, [&] { device.copy_shared(shared, bytes); });
    const double copy = copy_on_device(device);
    result = {{"ipc_bytes_per_s", ipc},
              {"device_copy_bytes_per_s", copy},
              {"share", ipc / copy},
              {"target_share", 0.7}};
  }
  MPI_Barrier(MPI_COMM_WORLD);
  return result;
}

template <class Condition>
void wait_for(Condition condition) {
  const double until = seconds() + 60;
  while (!condition()) {
    if (seconds() > until) throw sluice::Error(sluice::ExitCode::hung, "NCCL took over a minute");
    std::this_thread::yield();
  }
}

nlohmann::json measure_nccl(gpu::Device& device, int rank) {
  if (!gpu::has_links()) return {{"not_run", "no NCCL"}};
  if (gpu::device_count() < 2) return {{"not_run", "NCCL needs two GPUs"}};
  const auto id = tell(rank == 0 ? gpu::new_link_id() : std::string());
  using End = gpu::Link::End;
  const auto link =
      gpu::open_link(device, device.stream(), id, rank == 0 ? End::sends : End::receives);
  wait_for([&] { return link->ready(); });
  const auto mine = device.allocate(bytes);
  const double speed = bandwidth(bytes, runs, [&] {
    if (rank == 0) link->send({mine});
    if (rank == 1) link->receive({link->allocate(bytes)});
    wait_for([&] { return link->idle(); });
  });
  MPI_Barrier(MPI_COMM_WORLD);
  return {{"nccl_bytes_per_s", speed}};
}

}  // namespace

// Rank 1 tells, on its standard output, what both have measured.
nlohmann::json measure_pair() {
  int rank = 0;
  int ranks = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  if (ranks != 2) throw sluice::UsageError("a pair is two ranks: mpirun -n 2");
  auto& first = gpu::device(0);
  first.make_current();
  auto ipc = measure_ipc(first, rank);
  auto& device = gpu::device(gpu::device_count() > 1 ? rank : 0);
  device.make_current();
  auto nccl = measure_nccl(device, rank);
  if (rank == 0) return nullptr;
  return {{"ipc", ipc}, {"nccl", nccl}};
}

}  // namespace bench
