#include "gpu/cuda/device.hpp"

#include <cstring>

namespace sluice::gpu::cuda {
namespace {

struct Shared {
  cudaIpcMemHandle_t handle;  // of the block that the buffer lies in
  std::uint64_t offset;
};

}  // namespace

// A block goes on being shared: handles cost too much to be made and opened for every buffer.
std::string CudaDevice::share(const Buffer& buffer) {
  const auto block = device_pool_.share(buffer.data());
  if (!block) return {};
  const OnDevice on(info_.index);
  Shared shared{};
  check(cudaIpcGetMemHandle(&shared.handle, block->data), "cudaIpcGetMemHandle");
  shared.offset = static_cast<std::uint64_t>(buffer.data() - static_cast<std::byte*>(block->data));
  std::string text(sizeof shared, '\0');
  std::memcpy(text.data(), &shared, sizeof shared);
  return text;
}

Buffer CudaDevice::copy_shared(const std::string& shared, std::size_t size) {
  Shared source{};
  if (shared.size() != sizeof source) throw DecodeError("a shared GPU buffer is malformed");
  std::memcpy(&source, shared.data(), sizeof source);
  const OnDevice on(info_.index);
  const auto* from = static_cast<const std::byte*>(mapped(source.handle)) + source.offset;
  auto buffer = allocate(size);
  check(cudaMemcpyAsync(buffer.mutable_data(), from, size, cudaMemcpyDefault, own_stream()),
        "cudaMemcpyAsync");
  synchronize();
  return buffer;
}

// Stays mapped, as long as the process that owns it lives.
void* CudaDevice::mapped(const cudaIpcMemHandle_t& handle) {
  const std::string key(handle.reserved, sizeof handle.reserved);
  const std::lock_guard lock(mutex_);
  auto& address = mapped_[key];
  if (address == nullptr) {
    check(cudaIpcOpenMemHandle(&address, handle, cudaIpcMemLazyEnablePeerAccess),
          "cudaIpcOpenMemHandle");
  }
  return address;
}

}  // namespace sluice::gpu::cuda
