#include "control/room.hpp"

#include <sluice/error.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace sluice::control {
namespace {

std::uint64_t times_in(std::uint64_t part, std::uint64_t whole) {
  return part == 0 ? std::numeric_limits<std::uint64_t>::max() : whole / part;
}

}  // namespace

std::uint64_t millionths(double value) {
  constexpr double little = 1e-3;  // 0.29 and others fall short of what they stand for
  return static_cast<std::uint64_t>(std::floor(value * 1e6 + little));
}

std::vector<double> flows(const std::vector<StageDemand>& stages) {
  std::vector<double> result;
  double flow = 1;
  for (const auto& stage : stages) {
    result.push_back(flow);
    flow *= stage.selectivity;
  }
  return result;
}

Unit unit_of(const StageDemand& stage, std::uint64_t ranks) {
  Unit unit;
  unit.ranks = ranks;
  unit.cpus = millionths(stage.cpus) * ranks;
  unit.memory = stage.memory * ranks;
  if (stage.gpus < 1) {
    unit.gpu_part = millionths(stage.gpus);
  } else {
    unit.whole_gpus = static_cast<std::uint64_t>(std::llround(stage.gpus)) * ranks;
  }
  return unit;
}

std::uint64_t Unit::gpu_count() const {
  if (whole_gpus > 0) return whole_gpus;
  return gpu_part > 0 ? ranks : 0;
}

Room::Room(const Node& node)
    : cpus_(millionths(node.cpus)),
      memory_(node.memory == 0 ? unlimited : node.memory),
      ranks_(node.workers.value_or(unlimited)),
      gpus_(node.gpus, static_cast<std::uint32_t>(one_gpu)) {}

std::uint64_t Room::gpus() const {
  return std::accumulate(gpus_.begin(), gpus_.end(), std::uint64_t{0});
}

std::uint64_t Room::most(const Unit& unit) const {
  auto most = std::min(
      {times_in(unit.cpus, cpus_), times_in(unit.memory, memory_), times_in(unit.ranks, ranks_)});
  if (unit.whole_gpus > 0) {
    const auto free = std::count(gpus_.begin(), gpus_.end(), one_gpu);
    most = std::min(most, static_cast<std::uint64_t>(free) / unit.whole_gpus);
  } else if (unit.gpu_part > 0) {
    std::uint64_t parts = 0;
    for (const auto free : gpus_) parts += free / unit.gpu_part;
    most = std::min(most, parts / unit.ranks);
  }
  return most;
}

bool Room::is_short_of(const Unit& unit, const Unit& other) const {
  const bool cpus = unit.cpus > cpus_ && other.cpus > 0;
  const bool memory = unit.memory > memory_ && other.memory > 0;
  const bool plain = unit.cpus <= cpus_ && unit.memory <= memory_ && unit.ranks <= ranks_;
  const bool gpus = plain && most(unit) == 0 && other.gpu_count() > 0;
  return cpus || memory || gpus || unit.ranks > ranks_;
}

void Room::take_plain(const Unit& unit, std::uint64_t count) {
  if (unit.cpus * count > cpus_ || unit.memory * count > memory_ || unit.ranks * count > ranks_) {
    throw InvariantError("a node was given more workers than it has room for");
  }
  cpus_ -= unit.cpus * count;
  memory_ -= unit.memory * count;
  ranks_ -= unit.ranks * count;
}

std::uint32_t Room::best_gpu(std::uint64_t part) const {
  auto best = gpus_.end();
  for (auto gpu = gpus_.begin(); gpu != gpus_.end(); ++gpu) {
    if (*gpu >= part && (best == gpus_.end() || *gpu < *best)) best = gpu;
  }
  if (best == gpus_.end()) throw InvariantError("a GPU was given more than it has room for");
  return static_cast<std::uint32_t>(best - gpus_.begin());
}

void Room::take(const Unit& unit, std::uint64_t count, std::vector<std::uint32_t>& gpus) {
  take_plain(unit, count);
  for (std::uint64_t i = 0; i < unit.gpu_count() * count; ++i) {
    const auto gpu = best_gpu(unit.gpu_size());
    gpus_[gpu] -= static_cast<std::uint32_t>(unit.gpu_size());
    gpus.push_back(gpu);
  }
}

bool Room::take_again(const Unit& unit, const std::vector<std::uint32_t>& gpus) {
  if (unit.cpus > cpus_ || unit.memory > memory_ || unit.ranks > ranks_) return false;
  auto left = gpus_;
  for (const auto gpu : gpus) {
    if (gpu >= left.size() || left[gpu] < unit.gpu_size()) return false;
    left[gpu] -= static_cast<std::uint32_t>(unit.gpu_size());
  }
  take_plain(unit, 1);
  gpus_ = std::move(left);
  return true;
}

void Room::give_back(const Unit& unit, const std::vector<std::uint32_t>& gpus) {
  cpus_ += unit.cpus;
  memory_ += unit.memory;
  ranks_ += unit.ranks;
  for (const auto gpu : gpus) gpus_.at(gpu) += static_cast<std::uint32_t>(unit.gpu_size());
}

}  // namespace sluice::control
