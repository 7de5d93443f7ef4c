#include "runtime/seats.hpp"

#include <cmath>

namespace sluice::runtime {

void Seats::add(control::Rank rank, int node, const Machine& machine) {
  seats_[rank] = {node, machine.cores, machine.cores, false};
  auto& here = nodes_[node];
  here.cores.insert(machine.cores.begin(), machine.cores.end());
  ++here.ranks;
}

std::optional<Seats::Cores> Seats::take(control::Rank rank, double cpus) {
  auto& seat = seats_.at(rank);
  free(seat);
  auto chosen = choose(seat, cpus);
  seat.has_own = chosen != seat.allowed;
  if (seat.has_own) nodes_.at(seat.node).taken.insert(chosen.begin(), chosen.end());
  if (chosen == seat.bound) return std::nullopt;
  seat.bound = chosen;
  return chosen;
}

void Seats::free_all() {
  for (auto& [rank, seat] : seats_) free(seat);
}

void Seats::free(Seat& seat) {
  if (!seat.has_own) return;
  for (const auto core : seat.bound) nodes_.at(seat.node).taken.erase(core);
  seat.has_own = false;
}

Seats::Cores Seats::choose(const Seat& seat, double cpus) const {
  const auto& node = nodes_.at(seat.node);
  const auto wanted = static_cast<std::size_t>(std::ceil(cpus));
  const bool shared = node.ranks > node.cores.size();
  if (shared || cpus < 1 || seat.allowed.size() <= wanted) return seat.allowed;
  Cores chosen;
  for (const auto core : seat.allowed) {
    if (chosen.size() < wanted && !node.taken.contains(core)) chosen.push_back(core);
  }
  return chosen.size() == wanted ? chosen : seat.allowed;
}

}  // namespace sluice::runtime
