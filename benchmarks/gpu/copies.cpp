#include "gpu/feeder.hpp"
#include "measure.hpp"

#include <sluice/error.hpp>

#include <algorithm>
#include <vector>

namespace bench {
namespace {

using sluice::Buffer;
using sluice::EncodedBatch;
namespace gpu = sluice::gpu;

constexpr std::size_t record_bytes = std::size_t{8} << 20U;
constexpr std::size_t records = 8;
constexpr std::size_t batch_bytes = record_bytes * records;
constexpr int batches = 20;

EncodedBatch batch_of(const std::function<Buffer(std::size_t)>& allocate) {
  EncodedBatch batch;
  for (std::size_t i = 0; i < records; ++i) {
    auto buffer = allocate(record_bytes);
    std::fill_n(reinterpret_cast<unsigned char*>(buffer.mutable_data()), buffer.size(),
                static_cast<unsigned char>(i));
    batch.attach(std::move(buffer));
    batch.end_record({});
  }
  return batch;
}

// There and back, the next batch on its way meanwhile.
double record_path(gpu::Device& device, const EncodedBatch& batch) {
  gpu::Feeder feeder(device.open_copies(), 4 * batch_bytes);
  std::uint64_t next = 0;
  return bandwidth(batch_bytes * batches, 5, [&] {
    const auto last = next + batches;
    feeder.expect(next, batch);
    for (; next < last; ++next) {
      const auto there = feeder.take(next, batch);
      if (next + 1 < last) feeder.expect(next + 1, batch);
      const auto buffers = there.buffers();
      device.to_host({buffers.begin(), buffers.end()});
      feeder.finished(next);
    }
  });
}

// The same, without an engine: there and back by two streams at once.
double bare_path(gpu::Device& device) {
  const auto host_in = device.allocate_pinned(batch_bytes);
  auto host_out = device.allocate_pinned(batch_bytes);
  auto first = device.allocate(batch_bytes);
  auto second = device.allocate(batch_bytes);
  cudaStream_t in = nullptr;
  cudaStream_t out = nullptr;
  check(cudaStreamCreateWithFlags(&in, cudaStreamNonBlocking), "cudaStreamCreate");
  check(cudaStreamCreateWithFlags(&out, cudaStreamNonBlocking), "cudaStreamCreate");
  device.synchronize();
  const auto result = bandwidth(batch_bytes * batches, 5, [&] {
    for (int i = 0; i < batches; ++i) {
      check(cudaMemcpyAsync(first.mutable_data(), host_in.data(), batch_bytes,
                            cudaMemcpyHostToDevice, in),
            "cudaMemcpyAsync");
      check(cudaMemcpyAsync(host_out.mutable_data(), second.data(), batch_bytes,
                            cudaMemcpyDeviceToHost, out),
            "cudaMemcpyAsync");
      check(cudaStreamSynchronize(in), "cudaStreamSynchronize");
      check(cudaStreamSynchronize(out), "cudaStreamSynchronize");
    }
  });
  check(cudaStreamDestroy(in), "cudaStreamDestroy");
  check(cudaStreamDestroy(out), "cudaStreamDestroy");
  return result;
}

}  // namespace

nlohmann::json measure_copies(gpu::Device& device) {
  const double limit = bare_path(device);
  const auto pinned = batch_of([&](std::size_t size) { return device.allocate_pinned(size); });
  const auto plain = batch_of([](std::size_t size) { return Buffer(size); });
  const double from_pinned = record_path(device, pinned);
  const double from_plain = record_path(device, plain);
  return {
      {"pinned_copy_bytes_per_s", limit},           {"records_pinned_bytes_per_s", from_pinned},
      {"records_plain_bytes_per_s", from_plain},    {"pinned_share_of_limit", from_pinned / limit},
      {"plain_share_of_limit", from_plain / limit}, {"target_share", 0.8}};
}

}  // namespace bench
