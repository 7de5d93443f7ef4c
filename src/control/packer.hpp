#pragma once

#include "control/amounts.hpp"
#include "control/problem.hpp"

#include <optional>
#include <vector>

namespace sluice::control {

/// How hard to look for a packing.
enum class Effort { quick, thorough };

/// Of each stage the largest part that a unit takes of a resource, of what all nodes have of it.
std::vector<double> dominant_shares(const Problem& problem);

/// Finds packings for numbers of workers: by the rules that usually pack well, first the one that
/// worked last; thoroughly also by rules with chance in them and, on few nodes, by a search.
class Packer {
 public:
  explicit Packer(const Problem& problem);

  std::optional<Packing> find(const Counts& workers, Effort effort);
  /// Only by rules that spread stages over all nodes, so that neighbours in the pipeline share
  /// some, and keep those with GPUs together, so that what is free of nodes' GPUs is in large
  /// pieces.
  std::optional<Packing> find_tidy(const Counts& workers) const;
  /// False if it is plain from sums that there is no room.
  bool may_fit(const Counts& workers) const;
  /// What looking thoroughly has cost: stages dealt out by chance, units put out, nodes searched.
  /// When it has cost enough, there is no more of it.
  std::uint64_t steps() const { return steps_; }

 private:
  bool each_may_fit(const Counts& more) const;
  bool all_may_fit(const Counts& more) const;
  std::optional<Packing> try_chance(const Counts& units);
  std::optional<Packing> try_repair(const Counts& units);
  std::optional<Packing> try_search(const Counts& units);

  const Problem& problem_;
  Amounts usable_;
  std::vector<std::vector<std::size_t>> orders_;
  std::vector<Rule> rules_;
  std::uint64_t steps_ = 0;
};

}  // namespace sluice::control
