#include "process/leases.hpp"

#include "process/system.hpp"

#include <sys/eventfd.h>

#include <utility>

namespace sluice::process {

struct Leases::Lease {
  Lease(std::shared_ptr<Leases> all, std::uint64_t of_batch, std::uint64_t of_bytes)
      : leases(std::move(all)), batch(of_batch), bytes(of_bytes) {}
  ~Lease() { leases->ended(batch, bytes); }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  std::shared_ptr<Leases> leases;
  std::uint64_t batch;
  std::uint64_t bytes;
};

std::shared_ptr<void> Leases::lease(const std::shared_ptr<Leases>& leases, std::uint64_t batch,
                                    std::uint64_t bytes) {
  {
    const std::lock_guard lock(leases->mutex_);
    leases->bytes_ += bytes;
    // So that `ended`, which runs in destructors, need not allocate.
    leases->ended_.reserve(leases->ended_.size() + ++leases->open_);
  }
  return std::make_shared<Lease>(leases, batch, bytes);
}

void Leases::ended(std::uint64_t batch, std::uint64_t bytes) noexcept {
  const std::lock_guard lock(mutex_);
  bytes_ -= bytes;
  --open_;
  ended_.push_back(batch);
  if (bell_.get() >= 0) ::eventfd_write(bell_.get(), 1);
}

std::vector<std::uint64_t> Leases::take_ended() {
  std::vector<std::uint64_t> taken;
  const std::lock_guard lock(mutex_);
  taken.reserve(ended_.size() + open_);
  eventfd_t rings = 0;
  if (bell_.get() >= 0) ::eventfd_read(bell_.get(), &rings);
  std::swap(taken, ended_);
  return taken;
}

int Leases::bell() {
  const std::lock_guard lock(mutex_);
  if (bell_.get() < 0) {
    bell_ = store::Descriptor(checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "make an eventfd"));
  }
  return bell_.get();
}

std::uint64_t Leases::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace sluice::process
