#pragma once

#include "process/memory_file.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace sluice::process {

/// Results that buffers still share with the process that wrote them. Buffers end on any thread,
/// some after their stage; the memory stays mapped until the last has. Thread-safe.
class Leases {
 public:
  explicit Leases(std::shared_ptr<MemoryFile> memory) : memory_(std::move(memory)) {}

  /// What buffers hold of a batch's result, `bytes` of it. When the last of them ends, the batch is
  /// among those of `take_ended`.
  static std::shared_ptr<void> lease(const std::shared_ptr<Leases>& leases, std::uint64_t batch,
                                     std::uint64_t bytes);

  std::vector<std::uint64_t> take_ended();
  std::uint64_t bytes() const;

  /// Becomes readable whenever a lease ends, from now on.
  int bell();

 private:
  struct Lease;
  void ended(std::uint64_t batch, std::uint64_t bytes) noexcept;

  std::shared_ptr<MemoryFile> memory_;
  mutable std::mutex mutex_;
  std::vector<std::uint64_t> ended_;
  std::uint64_t bytes_ = 0;
  std::size_t open_ = 0;
  store::Descriptor bell_;  ///< once it was asked for
};

}  // namespace sluice::process
