#include "gpu/cuda/device.hpp"

#include "gpu/backend.hpp"
#include "gpu/cuda/copies.hpp"
#include "gpu/cuda/health_kernel.hpp"

#include <fmt/format.h>

#include <cstring>

namespace sluice::gpu {
namespace cuda {
namespace {

std::string uuid_text(const cudaUUID_t& uuid) {
  std::string text = "GPU-";
  for (std::size_t i = 0; i < sizeof uuid.bytes; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", static_cast<unsigned char>(uuid.bytes[i]));
  }
  return text;
}

DeviceInfo info_of(int index) {
  cudaDeviceProp found{};
  check(cudaGetDeviceProperties(&found, index), "cudaGetDeviceProperties");
  return {index, found.name, uuid_text(found.uuid), found.totalGlobalMem, found.major, found.minor};
}

}  // namespace

Buffer DeviceMemory::to_host(const Buffer& buffer) const {
  return std::move(device_.to_host({buffer}).front());
}

Buffer DeviceMemory::clone(const Buffer& buffer) const {
  auto copy = device_.allocate(buffer.size());
  check(cudaMemcpyAsync(copy.mutable_data(), buffer.data(), buffer.size(), cudaMemcpyDeviceToDevice,
                        static_cast<cudaStream_t>(device_.stream())),
        "cudaMemcpyAsync");
  device_.synchronize();  // the original may be released next, for work in another stream
  return copy;
}

CudaDevice::CudaDevice(int index)
    : info_(info_of(index)),
      device_pool_(index, Pool::Kind::device),
      pinned_pool_(index, Pool::Kind::pinned),
      memory_(*this) {}

std::uint64_t CudaDevice::free_bytes() const {
  const OnDevice on(info_.index);
  std::size_t free = 0;
  std::size_t total = 0;
  check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  return free;
}

void CudaDevice::check_health() {
  try {
    const OnDevice on(info_.index);
    const auto pattern = allocate(health_words * sizeof(std::uint32_t));
    auto* words = reinterpret_cast<std::uint32_t*>(const_cast<std::byte*>(pattern.data()));
    check(fill_with_pattern(words, own_stream()), "the kernel that writes a pattern");
    const auto here = to_host({pattern}).front();
    for (std::uint32_t i = 0; i < health_words; ++i) {
      std::uint32_t word = 0;
      std::memcpy(&word, here.data() + i * sizeof word, sizeof word);
      if (word == pattern_word(i)) continue;
      throw Error(ExitCode::launch, fmt::format("word {} of a pattern is {:#x} instead of {:#x}", i,
                                                word, pattern_word(i)));
    }
  } catch (const Error& error) {
    throw Error(ExitCode::launch,
                fmt::format("GPU {} ({}, {}) failed its health check: {}. Leave it out with "
                            "CUDA_VISIBLE_DEVICES, or have it looked after",
                            info_.index, info_.name, info_.uuid, error.what()));
  }
}

cudaStream_t CudaDevice::own_stream() {
  const std::lock_guard lock(mutex_);
  const auto it = streams_.find(std::this_thread::get_id());
  if (it != streams_.end()) return it->second.get();
  const OnDevice on(info_.index);
  return streams_.try_emplace(std::this_thread::get_id()).first->second.get();
}

void CudaDevice::synchronize() {
  check(cudaStreamSynchronize(own_stream()), "cudaStreamSynchronize");
}

std::vector<Buffer> CudaDevice::to_host(const std::vector<Buffer>& buffers) {
  std::vector<Buffer> here;
  for (const auto& buffer : buffers) {
    if (buffer.memory() != Memory::device) {
      here.push_back(buffer);
      continue;
    }
    here.push_back(allocate_pinned(buffer.size()));
    check(cudaMemcpyAsync(here.back().mutable_data(), buffer.data(), buffer.size(),
                          cudaMemcpyDeviceToHost, own_stream()),
          "cudaMemcpyAsync");
  }
  synchronize();
  return here;
}

std::unique_ptr<Copies> CudaDevice::open_copies() { return std::make_unique<CudaCopies>(*this); }

}  // namespace cuda

namespace backend {
namespace {

std::pair<int, cudaError_t> counted() {
  static const auto result = [] {
    int count = 0;
    const auto status = cudaGetDeviceCount(&count);
    cudaGetLastError();
    return std::pair(status == cudaSuccess ? count : 0, status);
  }();
  return result;
}

}  // namespace

int device_count() { return counted().first; }

std::string why_no_device() {
  const auto [count, status] = counted();
  if (count > 0) return {};
  return status == cudaSuccess ? "CUDA sees no GPU" : cudaGetErrorString(status);
}

std::unique_ptr<Device> open(int index) { return std::make_unique<cuda::CudaDevice>(index); }

}  // namespace backend
}  // namespace sluice::gpu
