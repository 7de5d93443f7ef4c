#pragma once

#include "control/random.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <utility>
#include <vector>

namespace sluice::control::world {

/// How long a message takes: mostly `low` to `high`, and now and then up to `burst`.
struct Delay {
  Time low{20'000};
  Time high{20'000};
  double burst_chance = 0;
  Time burst{};
};

/// Virtual time: what will happen, in the order of its time and at random among what happens at
/// once. Messages between one pair of ranks stay in order, as the transports promise.
class Network {
 public:
  using Action = std::function<void()>;

  Network(Random& random, Delay delay) : random_(random), delay_(delay) {}

  Time now() const { return now_; }

  void after(Time wait, Action action) {
    heap_.push_back({now_ + wait, random_.next(), std::move(action)});
    std::push_heap(heap_.begin(), heap_.end(), Later{});
  }

  void send(Rank from, Rank to, Action deliver) {
    auto& line = lines_[{from, to}];
    line.push_back(std::move(deliver));
    const Time wait = random_.chance(delay_.burst_chance)
                          ? random_.between(delay_.high, delay_.burst)
                          : random_.between(delay_.low, delay_.high);
    after(wait, [&line] {
      const auto action = std::move(line.front());
      line.pop_front();
      action();
    });
  }

  /// Lets the next thing happen; false if there is none.
  bool step() {
    if (heap_.empty()) return false;
    std::pop_heap(heap_.begin(), heap_.end(), Later{});
    auto next = std::move(heap_.back());
    heap_.pop_back();
    now_ = next.at;
    next.action();
    return true;
  }

 private:
  struct Pending {
    Time at;
    std::uint64_t tie;
    Action action;
  };
  struct Later {
    bool operator()(const Pending& a, const Pending& b) const {
      return std::pair(a.at, a.tie) > std::pair(b.at, b.tie);
    }
  };

  Random& random_;
  Delay delay_;
  Time now_{};
  std::vector<Pending> heap_;
  std::map<std::pair<Rank, Rank>, std::deque<Action>> lines_;
};

}  // namespace sluice::control::world
