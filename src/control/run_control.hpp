#pragma once

#include "control/dispatcher.hpp"
#include "control/gpu_seats.hpp"
#include "control/lifetimes.hpp"
#include "control/lineage.hpp"
#include "control/roles.hpp"
#include "control/types.hpp"

#include <optional>
#include <vector>

namespace sluice::control {

/// Inputs `first` to `first + count - 1`.
struct InputRange {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
};

/// What the coordinator knows before the run.
struct RunPlan {
  std::vector<ChannelSpec> stages;  ///< channel k feeds stage k
  std::vector<int> stage_of_rank;   ///< -1: idle; rank 0 is the coordinator and has none
  std::vector<int> node_of_rank;
  std::uint64_t inputs = 0;
  bool collect = false;               ///< the last stage's outputs go to the coordinator
  std::vector<InputRange> done = {};  ///< inputs that were done before the run; no two overlap
  /// Of each stage's workers; empty: they live as long as the stage.
  std::vector<Lifetime> lifetimes = {};
  GroupSizes group_sizes = {};  ///< of each stage's workers; empty: all are single ranks
  GpuSeats gpu_seats = {};      ///< with the plan's places
};

/// Records and bytes that a channel stores: made and not yet taken.
struct ChannelLoad {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::uint64_t peak_records = 0;
  std::uint64_t peak_bytes = 0;
  std::uint64_t taken_records = 0;  ///< in all

  void made(std::uint64_t more_records, std::uint64_t more_bytes);
  void taken(std::uint64_t fewer_records, std::uint64_t fewer_bytes);
};

/// What a stage has done so far.
struct StageWork {
  std::uint64_t batches = 0;  ///< finished
  std::uint64_t records = 0;  ///< of those batches
  std::uint64_t outputs = 0;  ///< made of them

  void add(std::uint64_t more_records, std::uint64_t more_outputs) {
    ++batches;
    records += more_records;
    outputs += more_outputs;
  }

  friend StageWork operator-(const StageWork& a, const StageWork& b) {
    return {a.batches - b.batches, a.records - b.records, a.outputs - b.outputs};
  }
};

/// Decides everything that the coordinator decides: who becomes a worker of what, who sends what to
/// whom, and when each stage has ended. Pure: an event and the time in, commands out.
///
/// Channel k feeds stage k, and the coordinator is channel 0's producer. If outputs are collected,
/// one more channel leads from the last stage to the coordinator. A channel ends when the stage
/// before it has nothing left to do; then it flushes, and its stage's workers retire.
class RunControl {
 public:
  /// The channel to the coordinator. It takes outputs at once, so its batches are large and never
  /// wait.
  static constexpr ChannelSpec collecting{.batch_size = 1024, .slots = 8};

  explicit RunControl(RunPlan plan);

  /// Once, before any event, and once after each `begin_again`.
  Commands start(Time now);
  Commands handle(const Event& event, Time now);
  /// The input ends where it is: what was not granted yet is never admitted. The run ends when all
  /// that was admitted is done.
  Commands stop_admission(Time now);
  /// Changes the roles of ranks while the run goes on: `stage_of_rank` is as in RunPlan. A worker
  /// that is to leave gets no new batch, processes those that were granted to it and sends its
  /// backlog; then it tears down and joins its new stage. The last worker of a stage that goes on
  /// works until another is ready, and stays if none is to come. A stage that has ended is not
  /// joined. `places`: of the plan that says so.
  Commands reassign(const std::vector<int>& stage_of_rank, Time now, GpuPlaces places = {});

  /// After a loss, when no rank holds anything any more: the run begins again, with the inputs that
  /// are not in `done`. `start` comes next. `lost`: all ranks that are; `places`: of a new plan, if
  /// there is one.
  void begin_again(std::vector<int> stage_of_rank, const std::vector<InputRange>& done,
                   const std::vector<Rank>& lost = {}, GpuPlaces places = {});

  /// The event is about a batch of which its producer's word has not come yet. It must wait for
  /// that, and with it all that the rank says later (EarlyReports).
  bool is_early(const Event& event) const;

  /// When to call `handle(Tick)` at the latest, if nothing else comes.
  std::optional<Time> deadline() const;

  /// Every worker has left and every input that was admitted is done.
  bool finished() const;

  std::uint64_t inputs() const { return lineage_.inputs(); }
  std::uint64_t inputs_done() const { return lineage_.done(); }
  bool is_done(std::uint64_t input) const { return lineage_.is_done(input); }
  const std::vector<ChannelLoad>& loads() const { return loads_; }
  const Roles& roles() const { return roles_; }
  const StageWork& work(std::size_t stage) const { return work_.at(stage); }

 private:
  void on(const NodeReady& event);
  void on(const WorkerReady& event);
  void on(const Taken& event);
  void on(const Finished& event);
  void on(const Declined& event);
  void on(const Admitted& event);
  void on(const Left& event);
  void on(const Begun&) {}
  void on(const Tick&) {}

  void drain(Rank rank);

  /// The channel that the rank consumes from: its stage's, or the collecting one.
  std::size_t channel_of(Rank rank) const;
  void open_channels();
  void advance(Time now);
  void match(std::size_t channel, Time now);
  void grant_ahead(std::size_t channel);
  void end_stages();
  void count_granted(std::size_t channel, const Grant& grant);
  void retire_if_drained(Rank rank);
  void renew_old_workers(Time now);

  RunPlan plan_;
  std::vector<Dispatcher> channels_;
  std::vector<ChannelLoad> loads_;
  std::vector<StageWork> work_;
  Roles roles_;
  Lifetimes lifetimes_;
  std::vector<std::uint64_t> backlog_;  ///< records that each rank has yet to be told to send
  Lineage lineage_;
  std::uint64_t kept_back_ = 0;  ///< inputs that are not to be admitted
  Time now_{0};                  ///< of the event that is being handled
  Commands commands_;
};

}  // namespace sluice::control
