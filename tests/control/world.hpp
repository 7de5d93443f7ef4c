#pragma once

#include "control/model_coordinator.hpp"
#include "control/model_worker.hpp"
#include "control/scenario.hpp"

#include <cstdint>
#include <deque>
#include <exception>
#include <string>

namespace sluice::control::world {

/// What became of a schedule. `failure` is empty if all invariants held to the end.
struct Outcome {
  std::string failure;
  std::string trace;
  std::uint64_t trace_hash = 0;
  Time duration{};
  std::uint64_t batches = 0;
  std::uint64_t partial = 0;
  std::uint64_t messages = 0;  ///< sent and received by the coordinator, data aside
  std::uint64_t records = 0;
  std::uint64_t joins = 0;     ///< roles taken up, the first ones included
  std::uint64_t renewals = 0;  ///< of workers too old
  std::uint64_t ahead = 0;     ///< grants given beforehand
  std::uint64_t early = 0;     ///< reports that came too early
};

/// A whole run in virtual time: RunControl, a WorkerFlow for each worker, and a network between
/// them that delays at random. No threads, no clock.
class World {
 public:
  World(Scenario scenario, std::uint64_t seed)
      : shared_(std::move(scenario), seed), coordinator_(shared_) {
    for (std::size_t rank = 0; rank < shared_.scenario.plan.stage_of_rank.size(); ++rank) {
      workers_.emplace_back(static_cast<Rank>(rank), shared_);
    }
    shared_.send = [this](Rank from, Rank to, Message message) {
      shared_.network.send(from, to, [this, from, to, message = std::move(message)] {
        if (to == coordinator) {
          coordinator_.receive(from, message);
        } else {
          workers_.at(static_cast<std::size_t>(to)).receive(message);
        }
      });
    };
  }

  Outcome run() {
    Outcome outcome;
    try {
      play();
    } catch (const std::exception& error) {
      outcome.failure = error.what();
      outcome.trace = shared_.trace.text();
    }
    outcome.trace_hash = shared_.trace.hash();
    outcome.duration = shared_.network.now();
    outcome.batches = coordinator_.auditor().batches();
    outcome.partial = coordinator_.auditor().partial();
    outcome.messages = coordinator_.messages();
    outcome.records = shared_.ledger.made();
    outcome.joins = coordinator_.auditor().joins();
    outcome.renewals = coordinator_.auditor().renewals();
    outcome.ahead = coordinator_.ahead();
    outcome.early = coordinator_.early_reports();
    return outcome;
  }

  const Shared& shared() const { return shared_; }

 private:
  // Far more than any schedule needs: control that never comes to rest is a failure too.
  static constexpr std::uint64_t most_steps = 20'000'000;

  void play() {
    coordinator_.start();
    std::uint64_t steps = 0;
    while (!coordinator_.finished()) {
      if (!shared_.network.step()) throw Violation("deadlock: nothing is under way");
      if (++steps > most_steps) throw Violation("the run comes to no end");
    }
    for (const auto& worker : workers_) {
      if (!worker.left()) throw Violation("the run ended and a worker has not left");
    }
    check_end();
    while (shared_.network.step()) {  // what comes late changes nothing
      if (!coordinator_.finished()) throw Violation("the run ended too early");
    }
  }

  void check_end() {
    const auto& control = coordinator_.control();
    const auto& inputs = shared_.scenario.plan.inputs;
    shared_.ledger.require_all_taken();
    if (shared_.ledger.taken_from(0) != inputs || control.inputs_done() != inputs) {
      throw Violation("the run ended before every input was done");
    }
    for (std::size_t k = 0; k < shared_.ledger.channels(); ++k) {
      const auto& load = control.loads()[k];
      if (load.records != 0 || load.bytes != 0) throw Violation("a load is left over");
      if (load.taken_records != shared_.ledger.taken_from(k))
        throw Violation("taken is miscounted");
      if (load.peak_records > shared_.ledger.most_bound(k))
        throw Violation("I5: the peak load is too high");
    }
  }

  Shared shared_;
  ModelCoordinator coordinator_;
  std::deque<ModelWorker> workers_;
};

}  // namespace sluice::control::world
