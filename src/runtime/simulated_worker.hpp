#pragma once

#include "base/random.hpp"
#include "control/types.hpp"
#include "control/worker_flow.hpp"
#include "runtime/simulation.hpp"
#include "transport/sim.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <variant>
#include <vector>

namespace sluice::runtime {

/// Records of a batch, each by the input that it descends from.
using Origins = std::vector<std::uint64_t>;

// What simulated ranks say to each other, as in the protocol.
struct SimReport {
  std::vector<control::Event> events;
  control::Usage usage;
};
struct SimOrders {
  control::Commands commands;
};
struct SimPart {
  std::uint64_t epoch = 0;
  control::BatchId batch = 0;
  std::uint64_t total = 0;
  Origins records;
};
struct SimRegroup {
  std::uint64_t epoch = 0;
};
struct SimRegrouped {
  std::uint64_t epoch = 0;
};
struct SimDeath {
  control::Rank rank = 0;
};
using SimMessage = std::variant<SimReport, SimOrders, SimPart, SimRegroup, SimRegrouped, SimDeath>;
using SimRanks = transport::SimNetwork<SimMessage>;

/// A rank other than the coordinator: what Worker does, with virtual time in place of user code.
/// Like that one it hears nothing while it is in user code, unless the stage is continuous.
class SimulatedWorker {
 public:
  SimulatedWorker(control::Rank rank, const Simulation& simulation, SimRanks& network);

  void receive(SimMessage message);
  /// User code has returned.
  void resume();

 private:
  enum class State { idle, setup, working };
  enum class Doing { nothing, node_setup, setup, process, teardown };

  void turn();
  template <class Other>
  void on(Other&) {}
  void on(SimRegroup& order);
  void on(SimOrders& orders);
  void on(SimPart& part);
  void obey_waiting();
  void obey(const control::Assign& order);
  void obey(const control::Grant& order);
  void obey(const control::GrantAhead& order);
  void obey(const control::Seal& order);
  void obey(const control::Retire& order);
  struct Inside {
    control::BatchId batch = 0;
    Origins records;
  };
  bool process_next();
  void conclude(const Inside& done);
  void conclude_due();
  bool continuous() const { return flow_ && flow_->depth() > 1; }

  void hand_on_ahead();
  void send(const control::Grant& grant);
  void decline();

  void begin(Doing what, State state, double seconds);
  void enter(State state);
  void send_report();
  double service(const Origins& records) const;
  std::uint64_t outputs_of(std::uint64_t origin) const;
  Random chance(std::uint64_t origin, std::uint64_t purpose) const;

  control::Rank rank_;
  const Simulation& simulation_;
  SimRanks& network_;
  double slowness_ = 1;
  std::size_t stage_ = 0;
  bool deliver_ = false;
  Doing doing_ = Doing::nothing;
  control::Time until_{0};  ///< it does that
  std::optional<control::WorkerFlow> flow_;
  std::map<control::BatchId, Origins> filling_;
  std::uint64_t epoch_ = 0;
  std::multimap<control::Time, Inside> in_process_;  ///< by when they will be finished
  std::deque<std::uint64_t> backlog_;
  std::deque<SimMessage> inbox_;
  std::deque<control::Command> orders_;  ///< to be obeyed once user code has returned
  SimReport report_;
  State state_ = State::idle;
  control::Shares shares_;  ///< while it is working

  control::Time since_{0};
};

}  // namespace sluice::runtime
