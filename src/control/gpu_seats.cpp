#include "control/gpu_seats.hpp"

#include "control/room.hpp"

#include <sluice/error.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace sluice::control {
namespace {

std::size_t index(int rank_or_stage) { return static_cast<std::size_t>(rank_or_stage); }

}  // namespace

GpuPlaces gpu_places(const Plan& plan, const std::vector<StageDemand>& stages) {
  GpuPlaces places(plan.stages.size());
  for (std::size_t k = 0; k < plan.stages.size(); ++k) {
    const auto each = static_cast<std::size_t>(std::ceil(stages.at(k).gpus));
    for (const auto& share : plan.stages[k].shares) {
      auto& here = places[k][static_cast<int>(share.node)];
      for (std::size_t i = 0; each > 0 && i + each <= share.gpus.size(); i += each) {
        auto& gpus = here.emplace_back();
        for (std::size_t j = i; j < i + each; ++j) {
          gpus.push_back(static_cast<std::uint32_t>(share.gpus[j].gpu));
        }
      }
    }
  }
  return places;
}

GpuSeats::GpuSeats(const std::vector<double>& gpus_of_stage, std::vector<int> node_of_rank,
                   std::vector<Gpus> visible)
    : node_of_rank_(std::move(node_of_rank)),
      visible_(std::move(visible)),
      seats_(node_of_rank_.size()) {
  for (const auto gpus : gpus_of_stage) asked_.push_back(millionths(gpus));
  visible_.resize(node_of_rank_.size());
}

bool GpuSeats::asks(int stage) const {
  return stage >= 0 && index(stage) < asked_.size() && asked_[index(stage)] > 0;
}

// Of each of its GPUs.
std::uint64_t GpuSeats::size(int stage) const { return std::min(asked_[index(stage)], one_gpu); }

bool GpuSeats::take(const Worker& worker, Where where) {
  if (!asks(worker.stage)) return true;
  Group news;
  for (const Rank rank : worker.ranks) {
    if (stage_of(rank) == worker.stage) continue;
    if (take(rank, worker.stage, where)) {
      news.push_back(rank);
      continue;
    }
    for (const Rank each : news) free(each);
    return false;
  }
  return true;
}

bool GpuSeats::take(Rank rank, int stage, Where where) {
  auto& seat = seats_.at(index(rank));
  if (seat.stage >= 0) {
    throw InvariantError("rank " + std::to_string(rank) + " has GPUs of another stage");
  }
  if (where == Where::anywhere) {
    auto gpus = best_fit(rank, stage);
    if (gpus.empty()) return false;
    seat = {stage, std::move(gpus)};
    return true;
  }
  const auto room = room_on(node_of_rank_[index(rank)]);
  for (const auto& place : places_left(stage, node_of_rank_[index(rank)])) {
    const auto fits = [&](auto gpu) { return gpu < room.size() && room[gpu] >= size(stage); };
    if (!sees(rank, place) || !std::all_of(place.begin(), place.end(), fits)) continue;
    seat = {stage, place};
    return true;
  }
  return false;
}

// Who can choose among few goes first; then who needs most.
std::vector<GpuSeats::Worker> GpuSeats::take_all(std::vector<Worker> workers) {
  std::erase_if(workers, [this](const Worker& each) { return !asks(each.stage); });
  std::stable_sort(workers.begin(), workers.end(),
                   [this](const auto& a, const auto& b) { return seen_by(a) < seen_by(b); });
  std::erase_if(workers, [this](const Worker& each) { return take(each, Where::planned); });
  std::stable_sort(workers.begin(), workers.end(), [this](const auto& a, const auto& b) {
    return asked_[index(a.stage)] > asked_[index(b.stage)];
  });
  std::erase_if(workers, [this](const Worker& each) { return take(each, Where::anywhere); });
  return workers;
}

void GpuSeats::free(Rank rank) {
  if (index(rank) < seats_.size()) seats_[index(rank)] = {};
}

const Gpus& GpuSeats::of(Rank rank) const {
  static const Gpus none;
  return index(rank) < seats_.size() ? seats_[index(rank)].gpus : none;
}

int GpuSeats::stage_of(Rank rank) const {
  return index(rank) < seats_.size() ? seats_[index(rank)].stage : -1;
}

GpuPlaces GpuSeats::places() const {
  GpuPlaces places(asked_.size());
  for (std::size_t rank = 0; rank < seats_.size(); ++rank) {
    const auto& seat = seats_[rank];
    if (seat.stage >= 0) places[index(seat.stage)][node_of_rank_[rank]].push_back(seat.gpus);
  }
  return places;
}

// By number; GPUs that no rank of the node sees are not counted.
std::vector<std::uint64_t> GpuSeats::room_on(int node) const {
  std::vector<std::uint64_t> room;
  for (std::size_t rank = 0; rank < seats_.size(); ++rank) {
    if (node_of_rank_[rank] != node) continue;
    for (const auto gpu : visible_[rank]) {
      if (gpu >= room.size()) room.resize(gpu + 1, one_gpu);
    }
  }
  for (std::size_t rank = 0; rank < seats_.size(); ++rank) {
    if (node_of_rank_[rank] != node) continue;
    for (const auto gpu : seats_[rank].gpus) room.at(gpu) -= size(seats_[rank].stage);
  }
  return room;
}

std::vector<Gpus> GpuSeats::places_left(int stage, int node) const {
  if (index(stage) >= places_.size()) return {};
  const auto planned = places_[index(stage)].find(node);
  if (planned == places_[index(stage)].end()) return {};
  auto left = planned->second;
  for (std::size_t rank = 0; rank < seats_.size(); ++rank) {
    if (node_of_rank_[rank] != node || seats_[rank].stage != stage) continue;
    const auto its = std::find(left.begin(), left.end(), seats_[rank].gpus);
    if (its != left.end()) left.erase(its);
  }
  return left;
}

bool GpuSeats::sees(Rank rank, const Gpus& gpus) const {
  const auto& visible = visible_[index(rank)];
  return std::all_of(gpus.begin(), gpus.end(), [&](auto gpu) {
    return std::find(visible.begin(), visible.end(), gpu) != visible.end();
  });
}

// Nothing if they are not to be had.
Gpus GpuSeats::best_fit(Rank rank, int stage) const {
  const auto room = room_on(node_of_rank_[index(rank)]);
  auto gpus = visible_[index(rank)];
  std::erase_if(gpus, [&](auto gpu) { return room[gpu] < size(stage); });
  std::stable_sort(gpus.begin(), gpus.end(), [&](auto a, auto b) { return room[a] < room[b]; });
  const auto count = (asked_[index(stage)] + one_gpu - 1) / one_gpu;
  if (gpus.size() < count) return {};
  gpus.resize(count);
  return gpus;
}

std::size_t GpuSeats::seen_by(const Worker& worker) const {
  auto least = visible_[index(worker.ranks.front())].size();
  for (const Rank rank : worker.ranks) least = std::min(least, visible_[index(rank)].size());
  return least;
}

std::vector<GpuSeats::Worker> workers_to_seat(const std::vector<int>& stage_of_rank,
                                              const std::vector<Group>& groups) {
  std::vector<GpuSeats::Worker> workers;
  for (std::size_t rank = 1; rank < groups.size(); ++rank) {
    if (!groups[rank].empty()) workers.push_back({groups[rank], stage_of_rank[rank]});
  }
  return workers;
}

}  // namespace sluice::control
