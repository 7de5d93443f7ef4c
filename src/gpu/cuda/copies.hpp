#pragma once

#include "gpu/copies.hpp"
#include "gpu/cuda/device.hpp"
#include "gpu/cuda/stream.hpp"

#include <array>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace sluice::gpu::cuda {

/// Copies by a thread of their own, since host memory that is not pinned has to be moved to memory
/// that is: it does that in pieces, the next one while the GPU fetches the one before. Pinned
/// memory and other devices' are copied from where they are.
class CudaCopies final : public Copies {
 public:
  explicit CudaCopies(CudaDevice& device);
  ~CudaCopies() override;

  void start(Ticket ticket, std::vector<Buffer> buffers) override;
  bool done(Ticket ticket) const override;
  std::vector<Buffer> take(Ticket ticket) override;
  void drop(Ticket ticket) override;

 private:
  struct Job {
    Ticket ticket = 0;
    std::vector<Buffer> from;
    std::vector<Buffer> to;
  };
  struct Result {
    std::vector<Buffer> buffers;
    std::exception_ptr error;
  };
  struct Piece {
    Buffer bytes;
    Event free;  ///< the GPU has fetched it
  };

  void run();
  void run(const Job& job);
  void copy(const Buffer& from, std::byte* to);
  void copy_in_pieces(const Buffer& from, std::byte* to);
  void report(Job job, std::exception_ptr error);

  CudaDevice& device_;
  Stream stream_;
  std::vector<Piece> pieces_;  ///< the thread's
  std::size_t next_piece_ = 0;

  mutable std::mutex mutex_;  ///< guards what follows
  mutable std::condition_variable changed_;
  std::deque<Job> queue_;
  std::map<Ticket, Result> results_;
  std::set<Ticket> dropped_;  ///< while they were being copied
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sluice::gpu::cuda
