#pragma once

#include "gpu/cuda/pool.hpp"
#include "gpu/cuda/stream.hpp"
#include "gpu/device.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace sluice::gpu::cuda {

class CudaDevice;

/// Buffers on one device.
class DeviceMemory final : public BufferMemory {
 public:
  explicit DeviceMemory(CudaDevice& device) : device_(device) {}
  Memory kind() const noexcept override { return Memory::device; }
  Buffer to_host(const Buffer& buffer) const override;
  Buffer clone(const Buffer& buffer) const override;

 private:
  CudaDevice& device_;
};

/// Pinned buffers, which are host memory to all but copies.
class PinnedMemory final : public BufferMemory {
 public:
  Memory kind() const noexcept override { return Memory::pinned; }
  Buffer to_host(const Buffer& buffer) const override { return buffer; }
  Buffer clone(const Buffer& buffer) const override { return Buffer::copy_of(buffer.view()); }
};

class CudaDevice final : public Device {
 public:
  explicit CudaDevice(int index);

  const DeviceInfo& info() const override { return info_; }
  std::uint64_t free_bytes() const override;
  void make_current() override { check(cudaSetDevice(info_.index), "cudaSetDevice"); }
  void check_health() override;
  void* stream() override { return own_stream(); }
  void synchronize() override;
  Buffer allocate(std::size_t size) override { return allocate(size, own_stream()); }
  /// To be filled in `first` and then used in the calling thread's stream.
  Buffer allocate(std::size_t size, cudaStream_t first) {
    return allocate(size, first, own_stream());
  }
  /// To be filled in `first` and then used in `last`.
  Buffer allocate(std::size_t size, cudaStream_t first, cudaStream_t last) {
    return device_pool_.allocate(size, first, last, &memory_);
  }
  Buffer allocate_pinned(std::size_t size) override {
    return pinned_pool_.allocate(size, own_stream(), own_stream(), &pinned_memory_);
  }
  bool holds(const Buffer& buffer) const override { return buffer.home() == &memory_; }
  std::vector<Buffer> to_host(const std::vector<Buffer>& buffers) override;
  std::unique_ptr<Copies> open_copies() override;
  std::string share(const Buffer& buffer) override;
  Buffer copy_shared(const std::string& shared, std::size_t size) override;

 private:
  cudaStream_t own_stream();
  void* mapped(const cudaIpcMemHandle_t& handle);

  DeviceInfo info_;
  Pool device_pool_;
  Pool pinned_pool_;
  DeviceMemory memory_;
  PinnedMemory pinned_memory_;
  std::mutex mutex_;
  std::map<std::thread::id, Stream> streams_;
  std::map<std::string, void*> mapped_;  ///< others' memory, by handle
};

}  // namespace sluice::gpu::cuda
