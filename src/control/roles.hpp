#pragma once

#include "control/gpu_seats.hpp"
#include "control/groups.hpp"
#include "control/types.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace sluice::control {

/// Which rank is a worker of which stage, and how far it is in becoming one or in leaving. Pure.
///
/// A rank joins a stage (its node is set up for the stage first, by the first worker there), works,
/// drains if it is to leave while the stage goes on, and retires: it tears down and has no stage
/// again, or joins the next one. A worker's number is never given to another in a stage, so that
/// what workers write under their numbers stays apart.
///
/// Where a worker is a group of ranks, all of this is said of its primary. The others are told to
/// join with it, follow it, and retire when it has left. A group begins when all its ranks are
/// free, so that none is ever there in part.
///
/// Where a stage asks for GPUs, a worker begins when those are free that it is to have (GpuSeats),
/// and has them until it has left. It is no worker yet while it waits, so that nobody leaves in its
/// favour before it is seated: whoever is to leave can, and no wait is without end. What waits for
/// room though nobody is on the way out any more gets any that is left, or no stage.
class Roles {
 public:
  /// `stage_of_rank`: -1 for none. `deliver`: the last stage's outputs end at its workers.
  Roles(std::size_t stages, const std::vector<int>& stage_of_rank, std::vector<int> node_of_rank,
        bool deliver, GroupSizes sizes = {}, GpuSeats seats = {});

  /// The same after a loss: no rank has a stage any more, and these are to join theirs. Nodes stay
  /// set up, and workers' numbers are still not given twice. Groups stay together as far as the
  /// stages allow. Who cannot keep its GPUs leaves first, and who finds no room has no stage.
  /// `places`: of a new plan, if there is one. Throws LaunchError if a stage would have no worker.
  Roles(const Roles& before, std::vector<int> stage_of_rank, GpuPlaces places = {});

  /// Once: the ranks that were planned join their stages.
  void start(Commands& commands);

  void node_ready(Rank rank, Commands& commands);
  /// False if the rank is already on its way out.
  bool worker_ready(Rank rank);
  /// A retired worker has torn down; it joins the stage that it was promised to, if there is one
  /// that goes on.
  void left(Rank rank, Commands& commands);

  /// The rank has died, whatever it was doing; if it was setting up its node, another does that.
  void lost(Rank rank, Commands& commands);

  /// Each rank is to join the stage given (-1: none): at once if it has none, else when it has
  /// left. Returns the workers that must drain first and are now `draining`: call `retire` once one
  /// holds nothing. A stage's last worker works on until it is relieved, or what others have for
  /// the stage could never be taken; it stays if nobody is to join the stage. `places`: of the
  /// plan.
  std::vector<Rank> reassign(const std::vector<int>& stage_of_rank, Commands& commands,
                             GpuPlaces places = {});
  /// The worker of the stage that waits to be relieved, if another is ready: from now on it drains.
  std::optional<Rank> relieve(std::size_t stage);
  void retire(Rank rank, Commands& commands);
  /// A worker is to leave its stage and to join it again, with its number or, if `renumber`, with a
  /// new one. It is then `draining`, and others may not take its place. False if it doesn't work,
  /// because it is on its way in or out. One that waits to be relieved waits no more.
  bool renew(Rank rank, bool renumber);
  /// Retires all workers of a stage that has nothing left to do.
  void end(std::size_t stage, Commands& commands);

  /// Throws InvariantError if it has none.
  std::size_t stage_of(Rank rank) const;
  bool has_stage(Rank rank) const { return member(rank).stage >= 0; }
  bool draining(Rank rank) const { return member(rank).standing == Standing::draining; }
  bool ended(std::size_t stage) const { return stages_.at(stage).ended; }
  /// Every rank has left.
  bool empty() const { return present_ == 0; }

  /// Workers that have not left; of a stage that has ended, those that it had then.
  std::uint64_t workers_of(std::size_t stage) const { return stages_.at(stage).workers; }
  std::uint64_t most_workers_of(std::size_t stage) const { return stages_.at(stage).most_workers; }
  /// Workers that are ready and are not to leave.
  std::uint64_t ready_in(std::size_t stage) const { return stages_.at(stage).ready; }
  bool node_is_set_up(std::size_t stage, int node) const;
  /// No rank is joining a stage, or leaving one that goes on.
  bool settled() const;
  /// The stage that each rank has, or has been promised; -1 for none.
  std::vector<int> destinations() const;
  /// The primary of each rank's group in that stage; itself if it is alone, -1 if it has none or
  /// its group is yet to be made.
  std::vector<Rank> primaries() const;
  const GpuSeats& seats() const { return seats_; }
  /// The rank is dead, and its GPUs are free.
  void vacated(Rank rank) { seats_.free(rank); }

 private:
  enum class Standing { none, joining, working, awaiting_relief, draining, retiring, following };
  struct Member {
    int stage = -1;
    Standing standing = Standing::none;
    int next = -1;  ///< the stage to join after this one
    std::uint64_t number = 0;
    bool returning = false;  ///< `next` is its own stage
    bool renumber = false;   ///< it gets another number there
    Rank primary = -1;       ///< of its group; itself if it is alone
    std::uint64_t term = 0;  ///< of its group
  };
  // A worker that begins when all its ranks are free, and its GPUs are.
  struct Forming {
    int stage = 0;
    Group ranks;
    bool returning = false;  ///< it has left its stage, which may have no other worker
    std::optional<std::uint64_t> number = {};
  };
  struct Node {
    bool ready = false;
    std::vector<Rank> waiting;  ///< for the node's setup
    Rank setting_up = 0;
  };
  struct Stage {
    std::map<int, Node> nodes;
    std::uint64_t numbers = 0;  ///< given so far
    std::uint64_t workers = 0;
    std::uint64_t most_workers = 0;
    std::uint64_t staying = 0;  ///< joining or working
    std::uint64_t ready = 0;    ///< working
    std::optional<Rank> to_relieve = {};
    bool ended = false;
  };

  Member& member(Rank rank) { return members_.at(static_cast<std::size_t>(rank)); }
  const Member& member(Rank rank) const { return members_.at(static_cast<std::size_t>(rank)); }
  Stage& stage(const Member& of) { return stages_.at(static_cast<std::size_t>(of.stage)); }
  int node_of(Rank rank) const { return node_of_rank_.at(static_cast<std::size_t>(rank)); }
  void enrol_all(const std::vector<int>& stage_of_rank, const std::vector<Group>& groups);
  void enrol(const Group& group, int stage, std::optional<std::uint64_t> number = {});
  void begin(Rank rank, Commands& commands);
  void join(const Group& group, int stage, std::optional<std::uint64_t> number, Commands& commands);
  void promise(Rank rank, int stage, bool same_group, Commands& commands);
  void keep_unrelieved();
  void stay(Member& member);
  void drain(Member& leaver);
  void stop_staying(Member& leaver);
  bool is_last(const Member& leaver) const;
  Assign assignment(Rank rank, bool setup_node) const;

  // Of groups: control/roles_groups.cpp.
  bool follows(Rank rank) const {
    return member(rank).primary >= 0 && member(rank).primary != rank;
  }
  bool is_leaving(const Member& worker) const;
  bool comes_for(Rank rank, int stage) const;
  bool is_returning(Rank rank) const;
  Group group_here(Rank primary) const;
  void promise_followers(const std::vector<int>& stage_of_rank);
  void form_new(const std::vector<int>& stage_of_rank, const std::vector<Group>& wanted);
  void drop_forming();
  void begin_formed(Commands& commands);
  void dismiss_followers(const Group& group, Commands& commands);

  // Of GPUs: control/roles_seats.cpp.
  void seat_all(const std::vector<int>& stage_of_rank, const std::vector<Group>& groups);
  void vacate(const Roles& before, std::vector<int>& stage_of_rank, std::vector<Group>& groups);
  void plan_seats(GpuPlaces places);
  void seat_the_rest(Commands& commands);
  bool anyone_leaves() const;
  void give_up_seats(const Group& group, int stage);

  std::vector<Member> members_;  ///< by rank
  std::vector<Stage> stages_;
  std::vector<int> node_of_rank_;
  bool deliver_;
  GroupSizes sizes_;
  std::vector<Forming> forming_;
  GpuSeats seats_;
  std::uint64_t terms_ = 0;  ///< of groups, so far
  std::size_t present_ = 0;
};

}  // namespace sluice::control
