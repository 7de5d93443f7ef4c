#pragma once

#include "base/random.hpp"
#include "transport/transport.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <queue>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sluice::transport {

/// How long a message is on its way: latency, up to `jitter` more by chance, and its bytes at the
/// bandwidth.
struct SimLink {
  std::chrono::nanoseconds latency{20'000};
  std::chrono::nanoseconds jitter{5'000};
  double bandwidth = 1.25e9;  ///< bytes/s
};

/// A network in virtual time: what happens next is the earliest delivery or alarm, and nothing
/// happens in between. Messages between two ranks keep their order; those of different pairs
/// overtake each other as the seed has it. The same calls give the same course, bit for bit.
template <class Message>
class SimNetwork {
 public:
  using Time = std::chrono::nanoseconds;

  /// A message that arrives at a rank, or without one an alarm that it has set.
  struct Happening {
    Time at{};
    Rank rank = 0;
    Rank from = 0;
    std::optional<Message> message;
  };

  SimNetwork(SimLink link, std::uint64_t seed) : link_(link), random_(seed) {}

  Time now() const { return now_; }

  /// Leaves at `at`, which is now or later.
  void send(Time at, Rank from, Rank to, Message message, std::size_t bytes) {
    const auto pair = (static_cast<std::uint64_t>(static_cast<std::uint32_t>(from)) << 32U) |
                      static_cast<std::uint32_t>(to);
    forget_old_pairs();
    auto& last = last_arrival_[pair];
    last = std::max(last, at + travel(bytes));
    push(last, to, from, std::move(message));
  }

  void alarm(Time at, Rank rank) { push(at, rank, rank, std::nullopt); }

  /// Nothing, if nothing is under way.
  std::optional<Happening> next() {
    if (queue_.empty()) return std::nullopt;
    const auto entry = queue_.top();
    queue_.pop();
    now_ = entry.at;
    Happening happening{entry.at, entry.rank, entry.from, std::move(messages_[entry.slot])};
    messages_[entry.slot].reset();
    free_.push_back(entry.slot);
    return happening;
  }

 private:
  struct Entry {
    Time at;
    std::uint64_t number;  ///< what was set going first happens first
    std::uint32_t slot;
    Rank rank;
    Rank from;

    bool operator<(const Entry& other) const {
      return std::pair(at, number) > std::pair(other.at, other.number);
    }
  };

  Time travel(std::size_t bytes) {
    const double extra = random_.uniform() * static_cast<double>(link_.jitter.count()) +
                         static_cast<double>(bytes) / link_.bandwidth * 1e9;
    return link_.latency + Time(std::llround(extra));
  }

  void push(Time at, Rank rank, Rank from, std::optional<Message> message) {
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(messages_.size()));
      messages_.emplace_back();
    }
    const auto slot = free_.back();
    free_.pop_back();
    messages_[slot] = std::move(message);
    queue_.push({at, numbers_++, slot, rank, from});
  }

  // A pair whose last message has arrived needs no order any more.
  void forget_old_pairs() {
    if (last_arrival_.size() < most_pairs_) return;
    std::erase_if(last_arrival_, [this](const auto& entry) { return entry.second <= now_; });
    most_pairs_ = std::max<std::size_t>(1024, 2 * last_arrival_.size());
  }

  SimLink link_;
  Random random_;
  Time now_{0};
  std::priority_queue<Entry> queue_;
  std::vector<std::optional<Message>> messages_;
  std::vector<std::uint32_t> free_;  ///< slots of `messages_`
  std::uint64_t numbers_ = 0;
  std::unordered_map<std::uint64_t, Time> last_arrival_;
  std::size_t most_pairs_ = 1024;
};

}  // namespace sluice::transport
