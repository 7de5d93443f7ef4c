#include "gpu/cuda/pool.hpp"

#include "gpu/cuda/stream.hpp"

#include <utility>

namespace sluice::gpu::cuda {

// What the last Buffer of a block does.
struct Pool::Return {
  Pool* pool;
  cudaStream_t last;
  void operator()(std::byte* data) const noexcept { pool->give(data, last); }
};

Buffer Pool::allocate(std::size_t size, cudaStream_t first, cudaStream_t last,
                      const BufferMemory* memory) {
  const OnDevice on(device_);
  const std::lock_guard lock(mutex_);
  const auto block = take(BlockPool::capacity_for(size));
  std::shared_ptr<std::byte> bytes(static_cast<std::byte*>(block.data), Return{this, last});
  if (kind_ == Kind::device) {
    check(cudaStreamWaitEvent(first, static_cast<cudaEvent_t>(block.fence), 0),
          "cudaStreamWaitEvent");
  } else {  // the host may write to it at once
    check(cudaEventSynchronize(static_cast<cudaEvent_t>(block.fence)), "cudaEventSynchronize");
  }
  return Buffer::share(std::move(bytes), size, Buffer::Access::writable, memory);
}

BlockPool::Block Pool::take(std::size_t capacity) {
  if (const auto free = pool_.take(capacity)) return *free;
  return make(capacity);
}

BlockPool::Block Pool::make(std::size_t capacity) {
  Event fence;
  BlockPool::Block block{get(capacity), capacity, nullptr, false};
  block.fence = fence.release();
  all_[block.data] = block;
  allocated_ += capacity;
  return block;
}

void* Pool::get(std::size_t capacity) {
  const auto attempt = [&](void** data) {
    return kind_ == Kind::device ? cudaMalloc(data, capacity)
                                 : cudaHostAlloc(data, capacity, cudaHostAllocPortable);
  };
  void* data = nullptr;
  if (attempt(&data) == cudaSuccess) return data;
  cudaGetLastError();
  free_unused();
  check(attempt(&data), kind_ == Kind::device ? "cudaMalloc" : "cudaHostAlloc");
  return data;
}

void Pool::free_unused() {
  for (const auto& block : pool_.take_all()) {
    check(cudaEventSynchronize(static_cast<cudaEvent_t>(block.fence)), "cudaEventSynchronize");
    check(cudaEventDestroy(static_cast<cudaEvent_t>(block.fence)), "cudaEventDestroy");
    check(kind_ == Kind::device ? cudaFree(block.data) : cudaFreeHost(block.data), "cudaFree");
    all_.erase(block.data);
    allocated_ -= block.capacity;
  }
}

// At the process' end CUDA may be gone already, and so is the need to fence anything.
void Pool::give(void* data, cudaStream_t last) noexcept {
  const std::lock_guard lock(mutex_);
  const auto& block = all_.at(data);
  static_cast<void>(cudaEventRecord(static_cast<cudaEvent_t>(block.fence), last));
  pool_.give(block);
}

std::optional<BlockPool::Block> Pool::share(const std::byte* bytes) {
  const std::lock_guard lock(mutex_);
  auto it = all_.upper_bound(bytes);
  if (it == all_.begin()) return std::nullopt;
  auto& block = (--it)->second;
  const auto* data = static_cast<const std::byte*>(block.data);
  if (bytes >= data + block.capacity) return std::nullopt;
  block.shared = true;
  return block;
}

std::size_t Pool::allocated_bytes() const {
  const std::lock_guard lock(mutex_);
  return allocated_;
}

}  // namespace sluice::gpu::cuda
