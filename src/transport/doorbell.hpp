#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace sluice::transport {

/// Something that a thread sleeps on and others ring, across processes if it lies in memory that
/// they share. A ring costs a system call only while someone sleeps.
///
/// There are two who may sleep, the owner and its deputy; a ring wakes the one that was announced
/// last. To sleep, announce it, look for work once more, and sleep; a ringer makes work visible
/// first and then rings. Whoever comes second sees the other, so no ring is missed.
class alignas(64) Doorbell {
 public:
  using Ticket = std::uint32_t;
  enum class Sleeper : std::uint32_t { owner = 0, deputy = 1 };

  /// Any thread of any process that shares the memory. Forgotten if no sleep was announced.
  void ring() noexcept;
  /// The same, but for what can wait for the owner: does not wake its deputy.
  void ring_owner() noexcept;
  /// Ends the sleep of one of the two, announced or not.
  void wake(Sleeper who) noexcept;

  /// Rings from now on end the sleep with this ticket.
  Ticket ticket(Sleeper who) const noexcept { return rings_[index(who)].load(); }
  /// The owner, or whoever holds its place; returns the ticket.
  Ticket announce_sleep(Sleeper who = Sleeper::owner) noexcept;
  void sleep(Ticket ticket, std::chrono::nanoseconds longest,
             Sleeper who = Sleeper::owner) noexcept;
  void awake() noexcept;

 private:
  static constexpr std::size_t index(Sleeper who) { return static_cast<std::size_t>(who); }
  std::optional<Sleeper> announced() noexcept;

  std::array<std::atomic<std::uint32_t>, 2> rings_{};
  std::atomic<std::uint32_t> announced_{0};  ///< 0: nobody, else 1 + the sleeper
};

/// A row of doorbells in shared memory. One process creates it, the others attach to it by its
/// name, and then the name can be withdrawn; the memory goes with the last process that maps it.
class DoorbellRow {
 public:
  DoorbellRow() = default;
  DoorbellRow(const DoorbellRow&) = delete;
  DoorbellRow& operator=(const DoorbellRow&) = delete;
  DoorbellRow(DoorbellRow&& other) noexcept;
  DoorbellRow& operator=(DoorbellRow&& other) noexcept;
  ~DoorbellRow();

  /// A row under a name of its own. Throws LaunchError if the node has no shared memory to give.
  static DoorbellRow create(std::size_t count);
  static DoorbellRow attach(const std::string& name, std::size_t count);
  void withdraw_name();

  const std::string& name() const noexcept { return name_; }
  Doorbell* bell(std::size_t i) const noexcept { return bells_ + i; }

 private:
  static DoorbellRow map(int file, const std::string& name, std::size_t count);

  std::string name_;
  Doorbell* bells_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace sluice::transport
