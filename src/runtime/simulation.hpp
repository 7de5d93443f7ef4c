#pragma once

#include "base/random.hpp"
#include "control/autoscaler.hpp"
#include "control/demand.hpp"
#include "control/run_control.hpp"
#include "control/topology.hpp"
#include "transport/sim.hpp"

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <vector>

namespace sluice::runtime {

/// What user code of a stage is like. Times in seconds.
struct SimulatedStage {
  /// The time that one record takes, drawn from the given source of chance.
  std::function<double(Random&)> service;
  double setup = 0;           ///< of each worker
  double node_setup = 0;      ///< of each node
  std::uint64_t outputs = 1;  ///< of each record that is not dropped
  double drop = 0;            ///< share of the records that are dropped
  std::uint64_t output_bytes = 100;
};

/// From `at` on, in seconds, the stage takes `factor` times as long.
struct SlowDown {
  std::size_t stage = 0;
  double at = 0;
  double factor = 1;
};

/// From `at` on, in seconds, the rank is dead; the coordinator, which never dies, hears of it a
/// tenth of a second later at the latest.
struct RankDeath {
  control::Rank rank = 1;
  double at = 0;
};

/// All that a simulated run depends on.
struct Simulation {
  std::vector<control::StageDemand> demands;
  std::vector<control::ChannelSpec> channels;
  std::vector<SimulatedStage> stages;
  control::Topology topology;  ///< every node says how many workers it has
  std::uint64_t inputs = 0;
  std::uint64_t input_bytes = 100;
  bool autoscale = true;
  std::uint64_t seed = 0;
  transport::SimLink link;
  double handling = 2e-6;  ///< seconds that a control message costs the coordinator
  std::vector<SlowDown> slow_downs = {};
  std::map<control::Rank, double> slow_ranks = {};  ///< these take so many times as long
  std::vector<RankDeath> deaths = {};
  /// Fixed stages of ranks, in place of a plan.
  std::vector<int> stage_of_rank = {};
  double until = std::numeric_limits<double>::infinity();  ///< stops then at the latest, seconds
};

/// Where the time of a stage's workers went, in virtual seconds, and what they did.
struct SimulatedUsage {
  control::Usage usage;
  control::StageWork work;
  std::uint64_t workers = 0;        ///< at the end
  std::uint64_t peak_records = 0;   ///< that the channel into the stage stored
  std::uint64_t bound_records = 0;  ///< that it may store (DESIGN I5)
};

struct SimulationResult {
  double seconds = 0;  ///< virtual, to the end
  std::uint64_t inputs = 0;
  std::uint64_t done = 0;
  std::vector<SimulatedUsage> stages;
  std::vector<control::Decision> decisions;
  std::vector<std::uint64_t> done_by_second;  ///< inputs done at the end of each virtual second
  std::vector<double> finished_at;            ///< when each stage processed its last record
  std::uint64_t control_messages = 0;
  std::uint64_t batches = 0;
  std::uint64_t lost = 0;        ///< ranks
  std::uint64_t digest = 0;      ///< of all that happened, in order
  double control_seconds = 0;    ///< CPU time really spent in RunControl; not in the digest
  double coordinator_share = 0;  ///< of virtual time, that the coordinator was busy
  std::size_t ranks = 0;

  /// Inputs/s between two virtual seconds.
  double throughput(double from, double to) const;
};

/// The node of every rank: rank 0, the coordinator, is on the first node.
std::vector<int> nodes_of_ranks(const control::Topology& topology);

/// Runs the control objects of a real run in virtual time: RunControl and the autoscaler on rank 0,
/// a WorkerFlow on every other, and a network between them. User code is waiting; records are
/// counted, not made. The same simulation gives the same result, bit for bit.
/// Throws what a real run would: LaunchError, InvariantError.
SimulationResult simulate(const Simulation& simulation);

}  // namespace sluice::runtime
