#include "runtime/simulation.hpp"

#include "runtime/simulated_coordinator.hpp"
#include "runtime/simulated_worker.hpp"

#include <sluice/error.hpp>

#include <algorithm>
#include <cmath>
#include <deque>

namespace sluice::runtime {
namespace {

using control::coordinator;
using control::Rank;

constexpr control::Time longest_unseen = std::chrono::milliseconds(100);

control::Time in_time(double seconds) { return control::Time(std::llround(seconds * 1e9)); }

// All that happens, folded into one number.
class Digest {
 public:
  void add(const SimRanks::Happening& happening) {
    mix(static_cast<std::uint64_t>(happening.at.count()));
    mix(static_cast<std::uint64_t>(happening.rank) << 32U |
        static_cast<std::uint64_t>(static_cast<std::uint32_t>(happening.from)));
    if (!happening.message) return;
    mix(happening.message->index());
    if (const auto* part = std::get_if<SimPart>(&*happening.message)) {
      mix(part->batch);
      mix(part->records.size());
    }
  }
  std::uint64_t value() const { return value_; }

 private:
  void mix(std::uint64_t part) {
    value_ = (value_ ^ part) * 0x9e3779b97f4a7c15U;
    value_ ^= value_ >> 29U;
  }

  std::uint64_t value_ = 1;
};

class SimulatedRun {
 public:
  explicit SimulatedRun(const Simulation& simulation)
      : simulation_(simulation),
        network_(simulation.link, simulation.seed),
        coordinator_(simulation, network_) {
    const auto ranks = nodes_of_ranks(simulation.topology).size();
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      workers_.emplace_back(static_cast<Rank>(rank), simulation, network_);
    }
  }

  SimulationResult run() {
    for (const auto& death : simulation_.deaths) {
      network_.send(in_time(death.at) + longest_unseen, coordinator, coordinator,
                    SimDeath{death.rank}, 0);
    }
    coordinator_.start();
    while (!coordinator_.finished()) {
      auto happening = network_.next();
      if (!happening) throw InvariantError("the simulated run has come to a standstill");
      digest_.add(*happening);
      if (std::chrono::duration<double>(happening->at).count() > simulation_.until) break;
      deliver(*happening);
    }
    auto result = coordinator_.result();
    result.digest = digest_.value();
    return result;
  }

 private:
  bool is_dead(Rank rank) const {
    return std::any_of(simulation_.deaths.begin(), simulation_.deaths.end(),
                       [&](const auto& death) {
                         return death.rank == rank && in_time(death.at) <= network_.now();
                       });
  }

  void deliver(SimRanks::Happening& happening) {
    if (happening.rank == coordinator) {
      if (!happening.message) return coordinator_.turn();
      return coordinator_.receive(happening.from, std::move(*happening.message));
    }
    if (is_dead(happening.rank)) return;
    auto& worker = workers_[static_cast<std::size_t>(happening.rank)];
    if (!happening.message) return worker.resume();
    worker.receive(std::move(*happening.message));
  }

  const Simulation& simulation_;
  SimRanks network_;
  SimulatedCoordinator coordinator_;
  std::deque<SimulatedWorker> workers_;
  Digest digest_;
};

}  // namespace

double SimulationResult::throughput(double from, double to) const {
  const auto at = [this](double second) -> double {
    if (done_by_second.empty() || second < 1) return 0;
    const auto index = std::min(static_cast<std::size_t>(second) - 1, done_by_second.size() - 1);
    return static_cast<double>(done_by_second[index]);
  };
  return to > from ? (at(to) - at(from)) / (to - from) : 0;
}

std::vector<int> nodes_of_ranks(const control::Topology& topology) {
  std::vector<int> nodes{0};
  for (std::size_t node = 0; node < topology.nodes.size(); ++node) {
    nodes.insert(nodes.end(), topology.nodes[node].workers.value_or(0), static_cast<int>(node));
  }
  return nodes;
}

SimulationResult simulate(const Simulation& simulation) { return SimulatedRun(simulation).run(); }

}  // namespace sluice::runtime
