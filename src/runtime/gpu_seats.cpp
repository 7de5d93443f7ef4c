#include "runtime/gpu_seats.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::runtime {
namespace {

constexpr double exact_to = 1e-6;  // shares are given in millionths

}  // namespace

void GpuSeats::add(control::Rank rank, int node, const Machine& machine) {
  seats_[rank] = {node, machine.gpus, {}, 0};
  for (const auto& gpu : machine.gpus) nodes_[node].try_emplace(gpu, 0.0);
}

std::vector<std::string> GpuSeats::take(control::Rank rank, double gpus) {
  auto& seat = seats_.at(rank);
  const auto share = std::min(gpus, 1.0);
  const auto count = static_cast<std::size_t>(std::ceil(gpus));
  const bool same = seat.share == share && seat.taken.size() == count;
  if (same) return seat.taken;
  free(rank);
  seat.share = share;
  auto left = seat.visible;
  while (seat.taken.size() < count && !left.empty()) {
    auto& loads = nodes_[seat.node];
    seat.taken.push_back(choose(loads, left, seat.share));
    loads[seat.taken.back()] += seat.share;
    std::erase(left, seat.taken.back());
  }
  return seat.taken;
}

void GpuSeats::free(control::Rank rank) {
  auto& seat = seats_.at(rank);
  for (const auto& gpu : seat.taken) nodes_[seat.node][gpu] -= seat.share;
  seat.taken.clear();
}

void GpuSeats::free_all() {
  for (const auto& [rank, seat] : seats_) free(rank);
}

// Best fit; where nothing fits, what has least to do.
std::string GpuSeats::choose(const Loads& loads, const std::vector<std::string>& from,
                             double share) {
  const auto load = [&](const std::string& gpu) { return loads.at(gpu); };
  const auto fits = [&](const std::string& gpu) { return load(gpu) + share <= 1 + exact_to; };
  return *std::max_element(from.begin(), from.end(), [&](const auto& a, const auto& b) {
    if (fits(a) != fits(b)) return fits(b);
    return fits(a) ? load(a) + exact_to < load(b) : load(a) > load(b) + exact_to;
  });
}

}  // namespace sluice::runtime
