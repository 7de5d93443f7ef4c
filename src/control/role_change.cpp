#include "control/role_change.hpp"

#include <utility>

namespace sluice::control {
namespace {

using Where = GpuSeats::Where;

std::size_t index(int value) { return static_cast<std::size_t>(value); }

/// Plays a change through: who can leave leaves, and who can begin then begins.
class Rehearsal {
 public:
  Rehearsal(const RoleChange& change, std::vector<bool> goes_on, GpuSeats seats)
      : change_(change),
        goes_on_(std::move(goes_on)),
        seats_(std::move(seats)),
        left_(change.from.size(), false),
        begun_(change.from.size(), false) {}

  bool run() {
    if (!all_find_room()) return false;
    for (bool more = true; std::exchange(more, false);) {
      for (std::size_t rank = 1; rank < left_.size(); ++rank) more = leave(rank) || more;
      for (std::size_t rank = 1; rank < begun_.size(); ++rank) more = begin(rank) || more;
    }
    for (std::size_t rank = 1; rank < left_.size(); ++rank) {
      if (!change_.moves(rank)) continue;
      const bool is_primary = !change_.groups_after[rank].empty();
      if (!left_[rank] || (is_primary && !begun_[rank])) return false;
    }
    return true;
  }

 private:
  // When all that move have left.
  bool all_find_room() {
    auto after = seats_;
    std::vector<GpuSeats::Worker> workers;
    for (std::size_t i = 1; i < change_.to.size(); ++i) {
      const auto rank = static_cast<Rank>(i);
      if (after.stage_of(rank) != change_.to[i]) after.free(rank);
      if (change_.to[i] >= 0) workers.push_back({{rank}, change_.to[i]});
    }
    if (!after.take_all(std::move(workers)).empty()) return false;
    seats_.plan(after.places());
    return true;
  }

  bool leave(std::size_t rank) {
    if (left_[rank] || !change_.moves(rank)) return false;
    const int from = change_.from[rank];
    if (from >= 0 && !goes_on_[index(from)]) return false;
    seats_.free(static_cast<Rank>(rank));
    return left_[rank] = true;
  }

  bool begin(std::size_t rank) {
    const auto& group = change_.groups_after[rank];
    const auto moves = [this](std::size_t each) { return change_.moves(each); };
    if (begun_[rank] || group.empty() || !change_.any_of_group(rank, moves)) return false;
    const auto is_away = [&](std::size_t each) { return moves(each) && !left_[each]; };
    if (change_.any_of_group(rank, is_away)) return false;
    if (!seats_.take({group, change_.to[rank]}, Where::planned)) return false;
    goes_on_[index(change_.to[rank])] = true;
    return begun_[rank] = true;
  }

  const RoleChange& change_;
  std::vector<bool> goes_on_;
  GpuSeats seats_;
  std::vector<bool> left_;
  std::vector<bool> begun_;
};

}  // namespace

bool can_be_carried_out(const RoleChange& change, std::vector<bool> goes_on, GpuSeats seats) {
  return Rehearsal(change, std::move(goes_on), std::move(seats)).run();
}

}  // namespace sluice::control
