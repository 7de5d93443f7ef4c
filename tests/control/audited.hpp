#pragma once

#include "control/run_control.hpp"
#include "control/scenario.hpp"
#include "control/trace.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>

/// What the auditor knows of a run, and what must hold of a channel at any time.
namespace sluice::control::world {

struct Batch {
  std::uint64_t records = 0;
  std::uint64_t total = 0;  ///< once it is sealed
  Time since{};
  std::uint64_t sealed_in = 0;  ///< the number of the event that led to it
  Rank promised_by = 0;         ///< a producer that has not said yet what it is
};
struct Consumer {
  std::map<BatchId, Batch> granted;
  std::set<BatchId> running;
  BatchId served = 0;
  bool closing = false;

  std::uint64_t held() const { return granted.size() + running.size(); }
};
struct Backlog {
  Rank producer = 0;
  std::uint64_t records = 0;
};
struct Channel {
  ChannelSpec spec;
  std::deque<Backlog> backlogs = {};
  std::map<Rank, Consumer> consumers = {};
  std::map<Rank, std::uint64_t> largest = {};
  std::uint64_t stored = 0;   ///< records announced (or admitted) and not taken
  std::uint64_t granted = 0;  ///< records granted and not taken
  BatchId newest = 0;

  std::uint64_t prefetch() const { return std::max<std::uint64_t>(1, spec.slots - 1); }
  bool is_idle(const Consumer& c) const { return c.held() < spec.depth; }
  /// More records could reach it for a batch that it would begin with at once.
  bool could_begin(const Consumer& c) const {
    const bool fills = std::any_of(c.granted.begin(), c.granted.end(), [](const auto& batch) {
      return batch.second.total == 0 && batch.second.promised_by == 0;
    });
    return !c.closing && is_idle(c) && (fills || has_room(c));
  }
  bool has_room(const Consumer& c) const {
    return !c.closing && c.granted.size() < prefetch() && c.held() < spec.slots + spec.depth - 1;
  }
  /// Consumers that are not on their way out with empty hands.
  std::size_t present() const {
    return static_cast<std::size_t>(
        std::count_if(consumers.begin(), consumers.end(), [](const auto& consumer) {
          return !consumer.second.closing || consumer.second.held() > 0;
        }));
  }
  bool has_promise() const {
    return std::any_of(consumers.begin(), consumers.end(), [](const auto& consumer) {
      return std::any_of(consumer.second.granted.begin(), consumer.second.granted.end(),
                         [](const auto& batch) { return batch.second.promised_by != 0; });
    });
  }
  bool has_backlog_of(Rank rank) const {
    return std::any_of(backlogs.begin(), backlogs.end(),
                       [rank](const auto& backlog) { return backlog.producer == rank; });
  }
};
struct Member {
  int stage = -1;
  int next = -1;
  bool waits = false;  ///< to be relieved
  bool leaving = false;
  bool retired = false;
  bool renewing = false;
  std::uint64_t number = 0;
  std::optional<std::uint64_t> returns_as = {};  ///< the number that it had before
};
struct Ages {
  std::map<Rank, Time> fresh = {};              ///< since when; they have taken nothing
  std::set<std::pair<Time, Rank>> worked = {};  ///< they have
  std::optional<Rank> away = {};
};

inline void require(bool holds, const char* what) {
  if (!holds) throw Violation(what);
}

// The producer has sent what it was told to beforehand: the first records of its output.
inline Batch& settle(Channel& channel, const Grant& order) {
  auto& batch = channel.consumers.at(order.consumer).granted.at(order.batch);
  require(std::exchange(batch.promised_by, 0) == order.producer, "settled without a promise");
  const auto made = std::find_if(channel.backlogs.rbegin(), channel.backlogs.rend(),
                                 [&](const auto& b) { return b.producer == order.producer; });
  require(made != channel.backlogs.rend(), "settled without outputs");
  require(order.records == std::min(made->records, channel.spec.batch_size),
          "settled with other records than the producer sent");
  made->records -= order.records;
  if (made->records == 0) channel.backlogs.erase(std::next(made).base());
  batch.records = order.records;
  channel.granted += order.records;
  return batch;
}

inline void decline(Channel& channel, const Declined& event) {
  for (auto& [rank, consumer] : channel.consumers) {
    const auto batch = consumer.granted.find(event.batch);
    if (batch == consumer.granted.end()) continue;
    require(batch->second.promised_by == event.rank, "declined what another was promised");
    consumer.granted.erase(batch);
    return;
  }
  require(false, "declined what nobody was promised");
}

// I6: records join the batch of a busy consumer only while no other is idle.
inline void require_idle_first(const Channel& channel, const Grant& order) {
  const auto& chosen = channel.consumers.at(order.consumer);
  const bool new_to_it = !chosen.granted.contains(order.batch);
  if (chosen.held() < channel.spec.depth + (new_to_it ? 0 : 1)) return;
  for (const auto& [rank, other] : channel.consumers) {
    require(!channel.could_begin(other), "I6: a busy consumer is served before an idle one");
  }
}

// Every granted batch is partial (or was so a moment ago): no bytes of a budget will come free.
inline bool nothing_to_take(const Channel& channel, std::uint64_t event) {
  for (const auto& [rank, consumer] : channel.consumers) {
    for (const auto& [id, batch] : consumer.granted) {
      if (batch.total > 0 && batch.sealed_in < event) return false;
    }
  }
  return true;
}

// I6. A byte budget binds once one more record would exceed it; that is exact only for records of
// equal size, and otherwise a matter of averages.
inline void check_work_conservation(const Channel& channel, const Scenario& scenario) {
  if (channel.backlogs.empty()) return;
  const auto one = scenario.uniform_bytes() ? scenario.least_bytes : channel.spec.byte_budget;
  const bool binds = channel.spec.byte_budget > 0 && channel.granted > 0 &&
                     channel.granted * scenario.least_bytes + one > channel.spec.byte_budget;
  for (const auto& [rank, consumer] : channel.consumers) {
    require(binds || !channel.has_room(consumer), "I6: a free slot beside waiting backlog");
  }
}

inline void check_memory(const Channel& channel, std::size_t k, const RunControl& control,
                         const Scenario& scenario) {
  const auto producers_depth = k == 0 ? 1 : scenario.plan.stages[k - 1].depth;
  std::uint64_t bound = channel.consumers.size() * channel.prefetch() * channel.spec.batch_size;
  if (k == 0) require(channel.stored <= bound, "I7: input is admitted without a slot");
  for (const auto& [rank, records] : channel.largest) bound += records * producers_depth;
  require(channel.stored <= bound, "I5: a channel stores too much");
  require(control.loads()[k].records == channel.stored, "a channel's load is miscounted");
  if (channel.spec.byte_budget > 0 && scenario.uniform_bytes()) {
    require(
        channel.granted <= 1 || channel.granted * scenario.least_bytes <= channel.spec.byte_budget,
        "I5: a byte budget is exceeded");
  }
}

// A consumer that has nothing but a partial batch gets it when its wait is over.
inline void check_deadline(const Channel& channel, const RunControl& control, Time now) {
  for (const auto& [rank, consumer] : channel.consumers) {
    if (consumer.held() > channel.spec.depth || consumer.granted.empty()) continue;
    const auto& batch = consumer.granted.rbegin()->second;  // the others are whole
    if (batch.total > 0 || batch.promised_by != 0) continue;
    const auto wait = channel.spec.batch_wait;
    require(now - batch.since < wait, "a partial batch waits too long");
    if (wait > Time::max() - batch.since) continue;
    require(control.deadline() && (*control.deadline() - batch.since <= wait),
            "no deadline for a partial batch");
    require(*control.deadline() > now, "a deadline has passed");
  }
}

}  // namespace sluice::control::world
