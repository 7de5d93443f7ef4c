#pragma once

#include "control/batch_types.hpp"
#include "control/roles.hpp"
#include "control/split_queue.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace sluice::control {

/// What is to be done of one stage.
struct OpenStage {
  std::uint64_t stage = 0;
  std::vector<int> stage_of_rank;  ///< 0 for its workers, -1 for the coordinator and idle ranks
  std::vector<Span> pieces;        ///< of its input, what no published shard covers yet
  std::uint64_t batch_size = 1;
  std::uint64_t most_records = 1;  ///< in a split
  bool deliver = false;            ///< nobody wants its outputs: they end at its workers
  /// Even if nothing is to be done, a worker is set up and torn down.
  bool always = false;
  GpuSeats gpu_seats = {};  ///< of the one stage, which they know as stage 0
};

/// Decides everything that the coordinator of a batch run decides: who becomes a worker, who
/// processes which split, when a stage may be committed. Pure: events in, commands out.
///
/// A stage is begun, its workers pull splits (each has one in process and one to come), and when
/// none is left they retire. When all have left, and shards cover all that was handed out, the
/// stage is to be committed; only after that the next one may begin.
class BatchControl {
 public:
  explicit BatchControl(std::vector<int> node_of_rank) : node_of_rank_(std::move(node_of_rank)) {}

  /// Throws InvariantError if a stage is under way or not committed yet.
  BatchCommands begin(OpenStage work);
  BatchCommands handle(const BatchEvent& event);
  /// Nothing more is handed out, and workers may leave without what they were given and have not
  /// begun. If they leave anything, the stage is not to be committed.
  BatchCommands stop();
  /// The rank has died: others process what it was given and had not published. When no rank of the
  /// stage is left, those of `stage_of_rank` (as in OpenStage) begin anew; `places`: where, if the
  /// plan is a new one. Throws LaunchError if they find no room.
  BatchCommands lose(Rank rank, std::vector<int> stage_of_rank, GpuPlaces places = {});

  /// The stage that was begun last is committed or was stopped, or none was begun.
  bool idle() const noexcept { return phase_ == Phase::idle; }
  /// The stage was stopped before all of it was done.
  bool unfinished() const noexcept { return unfinished_; }
  std::uint64_t workers() const { return roles_ ? roles_->workers_of(0) : 0; }

 private:
  enum class Phase { idle, working, ending, committing };

  void on(const NodeReady& event);
  void on(const WorkerReady& event);
  void on(const SplitBegun& event) { hand_split(event.rank); }
  void on(const Published& event);
  void on(const Left& event);
  void on(const Committed& event);

  struct Held {
    std::uint64_t piece = 0;
    Span records;
  };

  void hand_split(Rank rank);
  bool all_published() const;
  void begin_again();
  void advance();
  BatchCommands take_commands();

  std::vector<int> node_of_rank_;
  OpenStage work_;
  GpuPlaces new_places_;  ///< since the stage began; empty if they are those of then
  Phase phase_ = Phase::idle;
  bool stopped_ = false;
  bool unfinished_ = false;
  std::optional<Roles> roles_;  ///< of the one stage, which it knows as stage 0
  std::optional<SplitQueue> splits_;
  std::vector<std::deque<Held>> held_;  ///< by rank: splits handed out, not published yet
  Commands orders_;                     ///< of `roles_`
  BatchCommands commands_;
};

}  // namespace sluice::control
