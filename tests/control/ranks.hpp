#pragma once

#include "control/ledger.hpp"
#include "control/network.hpp"
#include "control/scenario.hpp"
#include "control/trace.hpp"

#include <cstdint>
#include <functional>
#include <utility>
#include <variant>
#include <vector>

namespace sluice::control::world {

// What ranks say to each other, as in the runtime's protocol.
struct Report {
  std::vector<Event> events;
};
struct Orders {
  Commands commands;
};
struct Part {
  BatchId batch = 0;
  std::uint64_t total = 0;
  Items records;
};
using Message = std::variant<Report, Orders, Part>;

/// A batch that a worker finished.
struct Finish {
  Time at{};
  std::size_t stage = 0;
  Rank rank = 0;
  std::uint64_t records = 0;  ///< inputs of the batch
};

/// What all ranks of a schedule share.
struct Shared {
  Shared(Scenario s, std::uint64_t seed)
      : scenario(std::move(s)),
        random(seed),
        network(random, scenario.delay),
        ledger(scenario.plan) {}

  /// How long a rank lets messages wait before it handles them all.
  Time turn_delay() { return random.between(Time{}, scenario.turn_delay); }

  const Scenario scenario;
  Random random;
  Network network;
  Ledger ledger;
  Trace trace;
  std::vector<Finish> finishes;
  std::function<void(Rank from, Rank to, Message message)> send;
};

}  // namespace sluice::control::world
