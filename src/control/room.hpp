#pragma once

#include "control/demand.hpp"
#include "control/topology.hpp"

#include <cstdint>
#include <vector>

namespace sluice::control {

inline constexpr std::uint64_t one_cpu = 1'000'000;
inline constexpr std::uint64_t one_gpu = 1'000'000;

/// Of cpus or GPUs. Rounded down, so that six sixths fit into one.
std::uint64_t millionths(double value);

/// What is placed on one node in one piece: a worker, or a rank of a group that no node can hold.
/// Cpus and GPUs are counted in millionths, so that sums are exact.
struct Unit {
  std::uint64_t ranks = 1;
  std::uint64_t cpus = 0;
  std::uint64_t memory = 0;
  std::uint64_t whole_gpus = 0;
  std::uint64_t gpu_part = 0;  ///< each rank's part of one GPU; 0: it takes whole ones, or none

  /// What it takes of one GPU, and of how many.
  std::uint64_t gpu_size() const { return whole_gpus > 0 ? one_gpu : gpu_part; }
  std::uint64_t gpu_count() const;
};

Unit unit_of(const StageDemand& stage, std::uint64_t ranks);

/// What is free on a node.
class Room {
 public:
  explicit Room(const Node& node);

  /// How many units fit.
  std::uint64_t most(const Unit& unit) const;
  /// Whether something that a unit of `other` takes is what is short for `unit`.
  bool is_short_of(const Unit& unit, const Unit& other) const;
  /// Takes the room of `count` units, which fit, and appends their GPUs to `gpus`: a whole unit
  /// gets the first free ones, a part goes where it leaves least (best fit).
  void take(const Unit& unit, std::uint64_t count, std::vector<std::uint32_t>& gpus);
  /// Takes the room of one unit, on GPUs that it had before; false if they are not free.
  bool take_again(const Unit& unit, const std::vector<std::uint32_t>& gpus);
  void give_back(const Unit& unit, const std::vector<std::uint32_t>& gpus);

  std::uint64_t cpus() const { return cpus_; }
  std::uint64_t memory() const { return memory_; }
  std::uint64_t ranks() const { return ranks_; }
  std::uint64_t gpus() const;  ///< in millionths
  bool memory_is_known() const { return memory_ < unlimited / 2; }
  bool ranks_are_known() const { return ranks_ < unlimited / 2; }

  auto operator<=>(const Room&) const = default;

  static constexpr std::uint64_t unlimited = std::uint64_t{1} << 62U;

 private:
  std::uint32_t best_gpu(std::uint64_t part) const;
  void take_plain(const Unit& unit, std::uint64_t count);

  std::uint64_t cpus_;
  std::uint64_t memory_;
  std::uint64_t ranks_;
  std::vector<std::uint32_t> gpus_;  ///< free millionths of each
};

}  // namespace sluice::control
