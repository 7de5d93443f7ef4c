#pragma once

#include "control/demand.hpp"
#include "control/gpu_seats.hpp"
#include "control/plan.hpp"
#include "control/rate.hpp"
#include "control/run_control.hpp"
#include "control/topology.hpp"
#include "control/types.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sluice::control {

/// What a decision knew of a stage.
struct StageOutlook {
  std::string name;
  double remaining = 0;  ///< records that it has yet to process
  double speed = 0;      ///< records/s of one worker while it runs; 0: not known
  double error = 0;      ///< relative standard error of that
  double batch = 0;      ///< seconds that a batch takes
  double setup = 0;      ///< seconds until a new worker is ready, the mover's drain included
  std::uint64_t workers = 0;
  std::uint64_t workers_after = 0;
  std::uint64_t staying = 0;  ///< workers that it has before and after
};

/// New roles for ranks, with all the numbers that led to them. Times in seconds.
struct Decision {
  Time at{};
  std::vector<int> stage_of_rank;
  GpuPlaces places;  ///< if a stage asks for GPUs
  std::vector<StageOutlook> stages;
  std::size_t bottleneck = 0;
  std::uint64_t moved = 0;     ///< ranks that change their stage
  double time_left = 0;        ///< for the remaining work, with the workers as they are
  double time_left_after = 0;  ///< with the new ones, if moving took no time
  double cost = 0;             ///< until the last mover is ready: drain and setup
  double gain = 0;             ///< time saved, with what the stages lose while workers move
  double least_gain = 0;       ///< what a change must gain to be more than noise
};

/// Measures the stages of a run and decides when ranks should change their stages. Pure.
///
/// It plans for the remaining work: the time left is the largest (records that a stage has yet to
/// process) / (workers × speed), so that the same rule serves the middle of a run and its tail.
/// Speeds are true processing rates. Ranks move if that saves more time than draining and setup
/// take, and more than could be noise; nothing is decided before every stage is measured, while
/// ranks are on the move, or before those that moved have worked for a while.
/// docs/autoscaling.md describes the method.
class Autoscaler {
 public:
  /// `plan` is what the run starts with, for all of `stages` on `topology`.
  Autoscaler(std::vector<StageDemand> stages, std::vector<ChannelSpec> channels, Topology topology,
             std::vector<int> node_of_rank, Plan plan);

  /// A report of a worker of `stage`, after its events were handled; `work` is what they added to
  /// the stage's.
  void note(Rank rank, std::size_t stage, const std::vector<Event>& events, const Usage& usage,
            const StageWork& work, Time now);

  /// Ranks were lost, and the run begins again on what is left. What was measured stays.
  void lost(const std::set<Rank>& ranks, Topology left);

  /// When to call `consider` next.
  Time next_look() const { return next_look_; }
  /// The change that is worth making now, if there is one.
  std::optional<Decision> consider(const RunControl& control, Time now);

 private:
  struct Meter {
    SpeedMeter speed;
    double setup = 0;       ///< of a worker, smoothed
    double node_setup = 0;  ///< of a node, smoothed
    bool set_up = false;    ///< setup was measured
    bool node_set_up = false;
  };
  using Stages = std::vector<std::size_t>;

  bool may_decide(const RunControl& control, Time now);
  std::vector<StageOutlook> survey(const RunControl& control, Time now) const;
  bool all_known(const std::vector<StageOutlook>& stages, const Stages& going, Time now) const;
  bool worth_planning(const std::vector<StageOutlook>& stages, const Stages& going) const;
  Plan plan_for(const std::vector<StageOutlook>& stages, const Stages& going) const;
  std::optional<Decision> propose(const RunControl& control, std::vector<StageOutlook> stages,
                                  const Stages& going, Time now);
  bool count_moves(const std::vector<int>& current, const std::vector<Rank>& primaries,
                   GpuSeats seats, Decision& decision) const;
  void time_moves(const RunControl& control, const std::vector<int>& current,
                  Decision& decision) const;
  double time_to_move(const RunControl& control, Rank rank, int from, std::size_t to) const;
  void weigh(const Stages& going, Decision& decision) const;

  std::vector<StageDemand> demands_;
  std::vector<ChannelSpec> channels_;
  Topology topology_;
  std::vector<int> node_of_rank_;
  Plan plan_;
  std::vector<Meter> meters_;
  std::vector<Usage> usage_of_rank_;
  struct Begun {
    std::size_t stage = 0;
    Time at{};
  };
  std::vector<std::map<BatchId, Begun>> in_process_;  ///< by rank
  Time next_look_{0};
  std::optional<Time> settled_since_;
  Time rest_{0};  ///< how long those that moved last are left alone
};

}  // namespace sluice::control
