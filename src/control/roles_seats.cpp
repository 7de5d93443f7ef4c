#include "control/roles.hpp"

#include <sluice/error.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

// Who sits on which GPUs, and who waits for them (docs/gpu.md).
namespace sluice::control {
namespace {

using Workers = std::vector<GpuSeats::Worker>;

[[noreturn]] void throw_no_room(const GpuSeats::Worker& worker) {
  throw LaunchError("rank " + std::to_string(worker.ranks.front()) +
                    " finds no room for a worker of stage number " +
                    std::to_string(worker.stage + 1) +
                    " on the GPUs that it sees. Start the ranks so that each sees all GPUs of its "
                    "node (srun: --gpus-per-node with --gpu-bind=none, not --gpus-per-task; "
                    "mpirun: leave CUDA_VISIBLE_DEVICES as it is), or ask for less");
}

// Returns those for whom there is no room. Throws if a stage would have no worker.
Workers seat_anew(GpuSeats& seats, const Workers& workers) {
  auto trial = seats;
  if (trial.take_all(workers).empty()) {
    seats = std::move(trial);
    return {};
  }
  std::set<int> stages;
  Workers first;
  Workers others;
  for (const auto& worker : workers) {
    (stages.insert(worker.stage).second ? first : others).push_back(worker);
  }
  if (const auto unseated = seats.take_all(first); !unseated.empty()) {
    throw_no_room(unseated.front());
  }
  return seats.take_all(others);
}

}  // namespace

// From now on the places are those that all of them can have.
void Roles::seat_all(const std::vector<int>& stage_of_rank, const std::vector<Group>& groups) {
  if (!seats_.in_use()) return;
  auto trial = seats_;
  const auto unseated = trial.take_all(workers_to_seat(stage_of_rank, groups));
  if (!unseated.empty()) throw_no_room(unseated.front());
  seats_.plan(trial.places());
}

// Ranks that were workers have what they had on their GPUs still, but for those of groups. They
// keep their seats if they keep their stage and the others find room; else all are seated anew, one
// worker of each stage before the rest. Who finds no room even so gets no stage.
void Roles::vacate(const Roles& before, std::vector<int>& stage_of_rank,
                   std::vector<Group>& groups) {
  if (!seats_.in_use()) return;
  auto trial = seats_;
  for (std::size_t i = 1; i < members_.size(); ++i) {
    const auto rank = static_cast<Rank>(i);
    const auto& m = before.members_[i];
    if (m.term > 0 || m.standing == Standing::none) seats_.free(rank);
    const bool keeps = stage_of_rank[i] == seats_.stage_of(rank) && groups[i].size() == 1;
    if (!keeps) trial.free(rank);
  }
  const auto workers = workers_to_seat(stage_of_rank, groups);
  if (!trial.take_all(workers).empty()) {
    for (std::size_t i = 1; i < members_.size(); ++i) trial.free(static_cast<Rank>(i));
    for (const auto& worker : seat_anew(trial, workers)) {
      for (const Rank rank : worker.ranks) stage_of_rank[static_cast<std::size_t>(rank)] = -1;
      groups[static_cast<std::size_t>(worker.ranks.front())].clear();
    }
  }
  seats_.plan(trial.places());
  for (std::size_t i = 1; i < members_.size(); ++i) {
    const auto rank = static_cast<Rank>(i);
    const int stage = seats_.stage_of(rank);
    const bool same = stage == trial.stage_of(rank) && seats_.of(rank) == trial.of(rank);
    if (stage < 0 || same) continue;
    members_[i] = {stage, Standing::retiring, -1, before.members_[i].number, false, false, rank};
    ++stages_[static_cast<std::size_t>(stage)].workers;
    ++present_;
  }
}

// Those that stay have their seats, and those on their way back, of whose stage there may be no
// other worker, have their places. The others' are where there is room when all who are to leave
// have left.
void Roles::plan_seats(GpuPlaces places) {
  if (!seats_.in_use()) return;
  const auto next = destinations();
  auto trial = seats_;
  Workers workers;
  for (std::size_t i = 1; i < members_.size(); ++i) {
    const auto rank = static_cast<Rank>(i);
    const auto& m = members_[i];
    const auto& worker = follows(rank) ? member(m.primary) : m;
    const bool leaves = is_leaving(worker) && !worker.returning;
    if (leaves || trial.stage_of(rank) != next[i]) trial.free(rank);
    if (next[i] >= 0) workers.push_back({{rank}, next[i]});
  }
  for (const auto& forming : forming_) {
    if (forming.returning) trial.take({forming.ranks, forming.stage}, GpuSeats::Where::planned);
  }
  if (!places.empty()) trial.plan(std::move(places));
  trial.take_all(std::move(workers));
  seats_.plan(trial.places());
}

void Roles::seat_the_rest(Commands& commands) {
  if (!seats_.in_use() || forming_.empty() || anyone_leaves()) return;
  for (const auto& forming : std::exchange(forming_, {})) {
    const GpuSeats::Worker worker{forming.ranks, forming.stage};
    const bool all_free = std::all_of(worker.ranks.begin(), worker.ranks.end(), [this](Rank rank) {
      return member(rank).standing == Standing::none;
    });
    if (all_free && seats_.take(worker, GpuSeats::Where::anywhere)) {
      join(forming.ranks, forming.stage, forming.number, commands);
    } else if (stages_[static_cast<std::size_t>(forming.stage)].workers == 0) {
      throw_no_room(worker);
    }
  }
  keep_unrelieved();
}

// A last worker leaves only if the one that comes in its place is there, seated.
bool Roles::anyone_leaves() const {
  return std::any_of(members_.begin(), members_.end(), [this](const Member& m) {
    if (m.standing == Standing::awaiting_relief) {
      return stages_[static_cast<std::size_t>(m.stage)].staying > 1;
    }
    return m.standing == Standing::draining || m.standing == Standing::retiring;
  });
}

// What a worker kept that was to return to the stage, which has ended meanwhile.
void Roles::give_up_seats(const Group& group, int stage) {
  for (const Rank rank : group) {
    if (member(rank).standing == Standing::none && seats_.stage_of(rank) == stage) {
      seats_.free(rank);
    }
  }
}

}  // namespace sluice::control
