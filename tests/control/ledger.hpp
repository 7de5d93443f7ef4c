#pragma once

#include "control/scenario.hpp"
#include "control/trace.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

namespace sluice::control::world {

/// A record: its number, the input that it descends from, and its size.
struct Item {
  std::uint64_t id = 0;
  std::uint64_t origin = 0;
  std::uint64_t bytes = 1;
};
using Items = std::vector<Item>;

/// Knows of every record where it was made and whether it was taken, as someone would who sees all
/// ranks at once: each is taken once, at the stage that it was made for, and no channel ever stores
/// more than DESIGN I5 allows.
class Ledger {
 public:
  explicit Ledger(const RunPlan& plan) : specs_(plan.stages) {
    if (plan.collect) specs_.push_back(RunControl::collecting);
    channels_.resize(specs_.size());
    if (plan.collect) joined(plan.stages.size());
  }

  /// The channel has one more consumer.
  void joined(std::size_t channel) {
    auto& c = channels_.at(channel);
    c.slots_room += slots_room(channel);
    c.most_room = std::max(c.most_room, bound(channel));
  }
  /// A worker has torn down: it needs no room for input, and none for its output.
  void left(std::size_t stage, Rank rank) {
    channels_.at(stage).slots_room -= slots_room(stage);
    if (stage + 1 == channels_.size()) return;
    auto& next = channels_[stage + 1];
    next.output_room -= next.largest[rank] * specs_[stage].depth;
    next.largest.erase(rank);
  }

  Item make(std::size_t channel, std::uint64_t origin, std::uint64_t bytes) {
    home_.push_back(static_cast<int>(channel));
    return {home_.size() - 1, origin, bytes};
  }

  /// The producer has finished a batch and left `made` for the channel. Channel 0's are counted
  /// when they are admitted; they have no output batch.
  void stored(std::size_t channel, Rank producer, std::size_t made) {
    auto& c = channels_.at(channel);
    c.stored += made;
    if (producer != coordinator) {
      auto& largest = c.largest[producer];
      if (made > largest) {
        c.output_room += (made - largest) * specs_[channel - 1].depth;
        largest = made;
      }
    }
    c.peak = std::max(c.peak, c.stored);
    c.most_room = std::max(c.most_room, bound(channel));
    if (c.stored > bound(channel)) {
      throw Violation(fmt::format("I5: channel {} stores {} records, {} allowed", channel, c.stored,
                                  bound(channel)));
    }
  }

  void taken(std::size_t channel, const Items& items) {
    for (const auto& item : items) {
      int& home = home_.at(item.id);
      if (home != static_cast<int>(channel)) {
        throw Violation(fmt::format("record {} of channel {} was taken from channel {}", item.id,
                                    home, channel));
      }
      home = gone;
    }
    channels_.at(channel).stored -= items.size();
    channels_.at(channel).taken += items.size();
  }

  void require_all_taken() const {
    for (std::size_t id = 0; id < home_.size(); ++id) {
      if (home_[id] != gone) {
        throw Violation(fmt::format("record {} of channel {} was never taken", id, home_[id]));
      }
    }
  }

  std::uint64_t bound(std::size_t channel) const {
    return channels_[channel].output_room + channels_[channel].slots_room;
  }
  /// The largest that it ever was.
  std::uint64_t most_bound(std::size_t channel) const { return channels_[channel].most_room; }
  std::uint64_t made() const { return home_.size(); }
  std::uint64_t taken_from(std::size_t channel) const { return channels_[channel].taken; }
  std::uint64_t peak(std::size_t channel) const { return channels_[channel].peak; }
  std::size_t channels() const { return channels_.size(); }

 private:
  static constexpr int gone = -1;

  struct Channel {
    std::uint64_t stored = 0;
    std::uint64_t taken = 0;
    std::uint64_t peak = 0;
    std::uint64_t most_room = 0;
    std::uint64_t slots_room = 0;           ///< Σ over consumers
    std::uint64_t output_room = 0;          ///< Σ over producers of their largest output batches
    std::map<Rank, std::uint64_t> largest;  ///< output batch of each producer
  };
  std::uint64_t slots_room(std::size_t channel) const {
    return std::max<std::uint64_t>(1, specs_[channel].slots - 1) * specs_[channel].batch_size;
  }

  std::vector<ChannelSpec> specs_;
  std::vector<Channel> channels_;
  std::vector<int> home_;  ///< the channel of each record, or `gone`
};

}  // namespace sluice::control::world
