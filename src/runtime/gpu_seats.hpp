#pragma once

#include "control/types.hpp"
#include "runtime/machine.hpp"

#include <map>
#include <string>
#include <vector>

namespace sluice::runtime {

/// Which workers have which GPUs. A worker gets such as its rank can see: whole ones of its own, or
/// a part of one that others have parts of, as long as there is room. A worker that joins before
/// the one whose GPUs the plan gave it has left shares one with it until then.
class GpuSeats {
 public:
  void add(control::Rank rank, int node, const Machine& machine);

  /// The GPUs of a worker of a stage that asks for `gpus`, by the names that they have on the node;
  /// fewer than that if its rank can see no more. If it has as many already it keeps those: its
  /// stage may not be set up again. Else what it had is free.
  std::vector<std::string> take(control::Rank rank, double gpus);
  /// What the rank has is free again.
  void free(control::Rank rank);
  void free_all();

 private:
  struct Seat {
    int node = 0;
    std::vector<std::string> visible;
    std::vector<std::string> taken;
    double share = 0;  ///< of each of them
  };
  using Loads = std::map<std::string, double>;

  static std::string choose(const Loads& loads, const std::vector<std::string>& from, double share);

  std::map<control::Rank, Seat> seats_;
  std::map<int, Loads> nodes_;  ///< what is taken of each GPU
};

}  // namespace sluice::runtime
