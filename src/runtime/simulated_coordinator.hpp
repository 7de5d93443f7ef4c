#pragma once

#include "control/autoscaler.hpp"
#include "control/early_reports.hpp"
#include "control/recovery.hpp"
#include "control/run_control.hpp"
#include "runtime/simulated_worker.hpp"
#include "runtime/simulation.hpp"

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace sluice::runtime {

/// Rank 0: what Coordinator does, in virtual time. Every control message keeps it busy for a
/// while, so that it can be seen to saturate.
class SimulatedCoordinator {
 public:
  SimulatedCoordinator(const Simulation& simulation, SimRanks& network);

  void start();
  void receive(control::Rank from, SimMessage message);
  /// An alarm has gone off.
  void turn();

  bool finished() const { return control_.finished(); }
  SimulationResult result() const;

 private:
  SimulatedCoordinator(const Simulation& simulation, SimRanks& network,
                       std::vector<int> node_of_rank);

  control::RunPlan run_plan(control::Plan& plan) const;
  void on(control::Rank from, SimReport& report);
  void apply(control::Rank from, const SimReport& report);
  void on(control::Rank from, SimRegrouped& there);
  void on(control::Rank from, SimDeath& death);
  template <class Other>
  void on(control::Rank, Other&) {}
  void begin_again();
  control::Topology topology_left() const;
  void decide(const control::Event& event);
  void autoscale();
  void carry_out(const control::Commands& commands);
  void admit(const control::Grant& grant);
  void send_orders();
  void plan_next_turn();
  void wake_at(control::Time at);
  void note_done();

  const Simulation& simulation_;
  SimRanks& network_;
  std::vector<int> node_of_rank_;
  control::Plan plan_;
  control::RunControl control_;
  std::optional<control::Autoscaler> autoscaler_;
  std::vector<std::pair<control::Rank, SimMessage>> inbox_;
  std::vector<control::Commands> orders_;  ///< by rank
  std::vector<control::Rank> ordered_;     ///< ranks that have some
  std::optional<control::Time> awake_at_;
  control::Time free_at_{0};
  std::uint64_t events_ = 0;   ///< that RunControl was given
  std::uint64_t handled_ = 0;  ///< messages in this turn
  control::EarlyReports<SimReport> early_;
  control::Regrouping regrouping_;
  std::vector<control::InputRange> to_admit_;
  std::size_t range_ = 0;       ///< of those, the one that is being admitted
  std::uint64_t admitted_ = 0;  ///< of that one
  std::vector<control::Usage> usage_of_rank_;
  std::vector<std::uint64_t> largest_output_;  ///< records, of each stage
  double timing_cost_;                         ///< CPU seconds
  SimulationResult result_;
};

}  // namespace sluice::runtime
