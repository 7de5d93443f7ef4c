#pragma once

#include "control/groups.hpp"
#include "control/plan.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace sluice::control {

/// GPUs of one node, by their numbers there.
using Gpus = std::vector<std::uint32_t>;

/// Where a plan puts the ranks of each stage: by node, the GPUs of each.
using GpuPlaces = std::vector<std::map<int, std::vector<Gpus>>>;

GpuPlaces gpu_places(const Plan& plan, const std::vector<StageDemand>& stages);

/// Which ranks have which GPUs. No GPU is ever given away more than whole, and a rank gets such as
/// it can see. A rank that finds its place taken has to wait until whoever has it has left; who is
/// to leave, and who may wait, Roles knows. Pure.
class GpuSeats {
 public:
  /// Places of the plan are for ranks of the same stage and node, whichever comes first.
  enum class Where { planned, anywhere };

  /// A worker that is to be seated.
  struct Worker {
    Group ranks;
    int stage = -1;
  };

  /// No stage asks for GPUs.
  GpuSeats() = default;
  /// `gpus_of_stage`: for each rank of a worker. `visible`: by rank.
  GpuSeats(const std::vector<double>& gpus_of_stage, std::vector<int> node_of_rank,
           std::vector<Gpus> visible);

  bool in_use() const { return !asked_.empty(); }
  bool asks(int stage) const;
  void plan(GpuPlaces places) { places_ = std::move(places); }

  /// For all the ranks, or none of them. Who has a seat for the stage keeps it. False: there is no
  /// room now.
  bool take(const Worker& worker, Where where);
  /// Planned places first, then what is left. Returns those for whom there is no room.
  std::vector<Worker> take_all(std::vector<Worker> workers);
  void free(Rank rank);

  const Gpus& of(Rank rank) const;
  /// The stage for which the rank has GPUs; -1: none.
  int stage_of(Rank rank) const;
  /// The seats that are taken, as a plan.
  GpuPlaces places() const;

 private:
  struct Seat {
    int stage = -1;
    Gpus gpus;
  };

  std::uint64_t size(int stage) const;
  std::vector<std::uint64_t> room_on(int node) const;
  std::vector<Gpus> places_left(int stage, int node) const;
  bool take(Rank rank, int stage, Where where);
  bool sees(Rank rank, const Gpus& gpus) const;
  Gpus best_fit(Rank rank, int stage) const;
  std::size_t seen_by(const Worker& worker) const;

  std::vector<std::uint64_t> asked_;  ///< by stage, in millionths
  std::vector<int> node_of_rank_;
  std::vector<Gpus> visible_;
  std::vector<Seat> seats_;  ///< by rank
  GpuPlaces places_;
};

/// All workers of these groups, which are listed by their primaries.
std::vector<GpuSeats::Worker> workers_to_seat(const std::vector<int>& stage_of_rank,
                                              const std::vector<Group>& groups);

}  // namespace sluice::control
