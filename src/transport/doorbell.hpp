#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace sluice::transport {

/// Something that one thread sleeps on and others ring, across processes if it lies in memory that
/// they share. A ring costs a system call only while the owner sleeps.
///
/// The owner announces that it will sleep, looks for work once more, and sleeps; a ringer makes
/// work visible first and then rings. Whoever comes second sees the other, so no ring is missed.
class alignas(64) Doorbell {
 public:
  using Ticket = std::uint32_t;

  /// Any thread of any process that shares the memory. Forgotten if the owner is awake.
  void ring() noexcept;

  /// Owner only: rings from now on end the `sleep` with this ticket.
  Ticket announce_sleep() noexcept;
  void sleep(Ticket ticket, std::chrono::nanoseconds longest) noexcept;
  void awake() noexcept;

 private:
  std::atomic<std::uint32_t> rings_{0};
  std::atomic<std::uint32_t> sleeping_{0};
};

/// A row of doorbells in shared memory. One process creates it, the others attach to it by its
/// name, and then the name can be withdrawn; the memory goes with the last process that maps it.
class DoorbellRow {
 public:
  DoorbellRow() = default;
  DoorbellRow(DoorbellRow&& other) noexcept;
  DoorbellRow& operator=(DoorbellRow&& other) noexcept;
  ~DoorbellRow();

  /// A row under a name of its own. Throws LaunchError if the node has no shared memory to give.
  static DoorbellRow create(std::size_t count);
  static DoorbellRow attach(const std::string& name, std::size_t count);
  void withdraw_name();

  const std::string& name() const noexcept { return name_; }
  Doorbell& operator[](std::size_t i) const noexcept { return bells_[i]; }

 private:
  static DoorbellRow map(int file, const std::string& name, std::size_t count);

  std::string name_;
  Doorbell* bells_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace sluice::transport
