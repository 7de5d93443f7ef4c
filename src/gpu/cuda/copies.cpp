#include "gpu/cuda/copies.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sluice::gpu::cuda {
namespace {

constexpr std::size_t piece_bytes = std::size_t{4} << 20U;
constexpr std::size_t piece_count = 4;

}  // namespace

CudaCopies::CudaCopies(CudaDevice& device) : device_(device) {
  const OnDevice on(device.info().index);
  stream_ = Stream();
  for (std::size_t i = 0; i < piece_count; ++i) {
    pieces_.push_back({device.allocate_pinned(piece_bytes), Event()});
  }
  thread_ = std::thread([this] { run(); });
}

CudaCopies::~CudaCopies() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
  static_cast<void>(cudaStreamSynchronize(stream_.get()));
}

// The worker's thread gets the memory, so that it is free again in the order of that one's stream.
void CudaCopies::start(Ticket ticket, std::vector<Buffer> buffers) {
  Job job{ticket, std::move(buffers), {}};
  for (const auto& buffer : job.from) {
    job.to.push_back(device_.holds(buffer) ? buffer
                                           : device_.allocate(buffer.size(), stream_.get()));
  }
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(job));
  }
  changed_.notify_all();
}

bool CudaCopies::done(Ticket ticket) const {
  const std::lock_guard lock(mutex_);
  return results_.contains(ticket);
}

std::vector<Buffer> CudaCopies::take(Ticket ticket) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return results_.contains(ticket); });
  auto result = results_.extract(ticket).mapped();
  if (result.error) std::rethrow_exception(result.error);
  return std::move(result.buffers);
}

void CudaCopies::drop(Ticket ticket) {
  const std::lock_guard lock(mutex_);
  const auto waited = std::erase_if(queue_, [&](const Job& job) { return job.ticket == ticket; });
  if (waited + results_.erase(ticket) == 0) dropped_.insert(ticket);
}

void CudaCopies::run() {
  static_cast<void>(cudaSetDevice(device_.info().index));
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    auto job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    std::exception_ptr error;
    try {
      run(job);
    } catch (...) {
      error = std::current_exception();
    }
    report(std::move(job), error);
    lock.lock();
  }
}

void CudaCopies::run(const Job& job) {
  for (std::size_t i = 0; i < job.from.size(); ++i) {
    if (device_.holds(job.from[i])) continue;
    copy(job.from[i], const_cast<std::byte*>(job.to[i].data()));
  }
  stream_.synchronize();
}

void CudaCopies::copy(const Buffer& from, std::byte* to) {
  if (from.memory() == Memory::host) return copy_in_pieces(from, to);
  check(cudaMemcpyAsync(to, from.data(), from.size(), cudaMemcpyDefault, stream_.get()),
        "cudaMemcpyAsync");
}

void CudaCopies::copy_in_pieces(const Buffer& from, std::byte* to) {
  for (std::size_t offset = 0; offset < from.size(); offset += piece_bytes) {
    auto& piece = pieces_[next_piece_++ % pieces_.size()];
    const auto size = std::min(piece_bytes, from.size() - offset);
    piece.free.wait();
    std::memcpy(piece.bytes.mutable_data(), from.data() + offset, size);
    check(cudaMemcpyAsync(to + offset, piece.bytes.data(), size, cudaMemcpyHostToDevice,
                          stream_.get()),
          "cudaMemcpyAsync");
    piece.free.record(stream_.get());
  }
}

void CudaCopies::report(Job job, std::exception_ptr error) {
  {
    const std::lock_guard lock(mutex_);
    if (dropped_.erase(job.ticket) == 0) {
      results_[job.ticket] = {std::move(job.to), std::move(error)};
    }
  }
  changed_.notify_all();
}

}  // namespace sluice::gpu::cuda
