#include "control/allocation.hpp"

#include "control/shortage.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace sluice::control {
namespace {

using Stages = std::vector<std::size_t>;

constexpr double infinite = std::numeric_limits<double>::infinity();
// Keeps counts within 64 bits where nothing else limits them.
constexpr double most_workers = 1e6;
// Levels this close are the same: what is left of rounding.
constexpr double nearly = 1 - 1e-9;

/// Raises the workers of some stages in step. The level is the least `workers × reach` of them;
/// what each stage needs for a level follows from it, and a packing shows whether that can be had.
class Climb {
 public:
  Climb(Packer& packer, Allocation& reached, std::vector<double> reaches)
      : packer_(packer), reached_(reached), reaches_(std::move(reaches)) {}

  /// To the highest level found, at most `limit`.
  void raise(const Stages& active, double limit, Effort effort) {
    active_ = active;
    const double top = std::min(limit, highest());
    if (level() >= top * nearly) return;
    if (accept(at(top), effort)) return;
    halve_between(top, Effort::quick);
    if (effort == Effort::quick) return;
    halve_between(top, Effort::thorough);
    while (next_level() <= top && accept(at(next_level()), Effort::thorough)) {
    }
  }

  /// As `raise`, and when the slowest stages can grow no more, on with the others.
  void fill(Stages active) {
    while (!active.empty()) {
      raise(active, infinite, Effort::quick);
      const double slowest = level();
      const auto grown = std::remove_if(active.begin(), active.end(), [&](auto stage) {
        return level_of_one(stage) * nearly <= slowest && !accept_one_more(stage);
      });
      active.erase(grown, active.end());
    }
  }

 private:
  double level_of_one(std::size_t stage) const {
    return static_cast<double>(reached_.workers[stage]) * reaches_[stage];
  }
  double level_of(const Counts& workers) const {
    double least = infinite;
    for (const auto stage : active_) {
      least = std::min(least, static_cast<double>(workers[stage]) * reaches_[stage]);
    }
    return least;
  }
  double level() const { return level_of(reached_.workers); }

  double level_with_one_more(std::size_t stage) const {
    const auto workers = reached_.workers[stage];
    return static_cast<double>(workers + 1) > most_workers
               ? infinite
               : static_cast<double>(workers + 1) * reaches_[stage];
  }

  // The lowest that is above the one reached.
  double next_level() const {
    const double now = level();
    double next = infinite;
    for (const auto stage : active_) {
      const double mine = level_of_one(stage);
      next = std::min(next, mine * nearly > now ? mine : level_with_one_more(stage));
    }
    return next;
  }

  Counts at(double level) const {
    auto workers = reached_.workers;
    for (const auto stage : active_) {
      const double needed = std::ceil(level / reaches_[stage] * nearly);
      workers[stage] =
          std::max(workers[stage], static_cast<std::uint64_t>(std::min(needed, most_workers)));
    }
    return workers;
  }

  // By sums alone; no packing is higher.
  double highest() const {
    double low = level();
    double high = most_workers;
    if (low == infinite) return low;
    for (const auto stage : active_) high = std::max(high, most_workers * reaches_[stage]);
    high = std::min(high, std::numeric_limits<double>::max() / 4);
    while (low < high * nearly) {
      const double middle = (low + high) / 2;
      (packer_.may_fit(at(middle)) ? low : high) = middle;
    }
    return level_of(at(low));
  }

  bool accept(Counts workers, Effort effort) {
    if (workers == reached_.workers) return false;
    auto packing = packer_.find(workers, effort);
    if (!packing) return false;
    reached_ = {std::move(workers), *std::move(packing)};
    return true;
  }

  bool accept_one_more(std::size_t stage) {
    auto workers = reached_.workers;
    ++workers[stage];
    return static_cast<double>(workers[stage]) <= most_workers &&
           accept(std::move(workers), Effort::quick);
  }

  void halve_between(double top, Effort effort) {
    double high = top;
    for (double next = next_level(); next < high * nearly; next = next_level()) {
      const double middle = std::max(next, (level() + high) / 2);
      if (!accept(at(middle), effort)) high = middle;
    }
  }

  Packer& packer_;
  Allocation& reached_;
  std::vector<double> reaches_;
  Stages active_;
};

/// The stages whose workers are not pinned, by whether their speed is known. No record reaches
/// some; one worker is enough for those.
struct Free {
  Stages known;
  Stages unknown;
  Stages all;
};

Free free_stages(const Problem& problem) {
  Free free;
  for (std::size_t i = 0; i < problem.size(); ++i) {
    const auto& stage = problem.stages()[i];
    if (stage.pinned() || problem.reach(i) == infinite) continue;
    (stage.speed ? free.known : free.unknown).push_back(i);
    free.all.push_back(i);
  }
  return free;
}

Allocation least_allocation(const Problem& problem, Packer& packer) {
  auto packing = packer.find(problem.least(), Effort::thorough);
  if (!packing) throw_no_room(problem.stages(), problem.topology(), problem.least());
  return {problem.least(), *std::move(packing)};
}

// What every stage would get if all without a pinned number got the same.
Counts equal_shares(const Problem& problem, Packer& packer, const Free& free) {
  auto equal = least_allocation(problem, packer);
  Climb(packer, equal, std::vector<double>(problem.size(), 1.0)).fill(free.all);
  return equal.workers;
}

std::vector<double> reaches_of(const Problem& problem) {
  std::vector<double> reaches;
  for (std::size_t i = 0; i < problem.size(); ++i) reaches.push_back(problem.reach(i));
  return reaches;
}

// More than its pinned stages let through is of no use to a pipeline.
double pinned_limit(const Problem& problem) {
  double limit = infinite;
  for (std::size_t i = 0; i < problem.size(); ++i) {
    const auto& stage = problem.stages()[i];
    if (!stage.pinned() || !stage.speed) continue;
    limit = std::min(limit, static_cast<double>(problem.least()[i]) * problem.reach(i));
  }
  return limit;
}

void give_equal_shares(const Problem& problem, Packer& packer, const Free& free,
                       Allocation& allocation) {
  const auto equal = equal_shares(problem, packer, free);
  auto workers = allocation.workers;
  for (const auto stage : free.unknown) workers[stage] = equal[stage];
  if (auto packing = packer.find(workers, Effort::thorough)) {
    allocation = {std::move(workers), *std::move(packing)};
  }
}

}  // namespace

Allocation allocate(const Problem& problem) {
  Packer packer(problem);
  const auto free = free_stages(problem);
  auto allocation = least_allocation(problem, packer);
  if (!free.unknown.empty()) give_equal_shares(problem, packer, free, allocation);
  Climb by_speed(packer, allocation, reaches_of(problem));
  by_speed.raise(free.known, pinned_limit(problem), Effort::thorough);
  const auto needed = allocation.workers;
  if (problem.ranks_are_given() || !free.unknown.empty()) {
    by_speed.fill(free.known);
    Climb(packer, allocation, std::vector<double>(problem.size(), 1.0)).fill(free.unknown);
  }
  if (auto tidy = packer.find_tidy(allocation.workers)) allocation.packing = *std::move(tidy);
  allocation.needed = needed;
  allocation.steps = packer.steps();
  return allocation;
}

}  // namespace sluice::control
