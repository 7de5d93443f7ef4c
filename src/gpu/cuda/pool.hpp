#pragma once

#include "gpu/block_pool.hpp"
#include "gpu/cuda/check.hpp"

#include <sluice/buffer.hpp>

#include <map>
#include <mutex>
#include <optional>

namespace sluice::gpu::cuda {

/// Memory of one device, or pinned memory for it, that is got from CUDA once and then used again,
/// in the order of streams: a block that falls free is fenced with an event on the stream that used
/// it last, and who takes it next has his stream wait for that. Any thread may call. Lives as long
/// as the process.
class Pool {
 public:
  enum class Kind { device, pinned };

  Pool(int device, Kind kind) : device_(device), kind_(kind) {}

  /// For work in `first` to begin with, and last in `last`. If the memory is full, free blocks are
  /// given up first; throws CudaError if that does not help.
  Buffer allocate(std::size_t size, cudaStream_t first, cudaStream_t last,
                  const BufferMemory* memory);

  /// The block that the bytes lie in, which is never freed from now on: others will map it.
  std::optional<BlockPool::Block> share(const std::byte* bytes);

  std::size_t allocated_bytes() const;

 private:
  struct Return;

  BlockPool::Block take(std::size_t capacity);
  BlockPool::Block make(std::size_t capacity);
  void* get(std::size_t capacity);
  void free_unused();
  void give(void* data, cudaStream_t last) noexcept;

  const int device_;
  const Kind kind_;
  mutable std::mutex mutex_;
  BlockPool pool_;
  std::map<const void*, BlockPool::Block> all_;  ///< in use or not, by address
  std::size_t allocated_ = 0;
};

}  // namespace sluice::gpu::cuda
