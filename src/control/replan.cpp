#include "control/replan.hpp"

#include "control/kept.hpp"
#include "control/packer.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

namespace sluice::control {
namespace {

using Stages = std::vector<std::size_t>;

/// Who makes room for a unit that finds none. Each is best on some machines.
struct Manner {
  bool by_share = false;   ///< sizes are shares of what there is, else GPUs come before cpus
  bool smallest = true;    ///< the smallest that is enough alone goes, else the largest
  bool by_chance = false;  ///< if all this fails, whoever is drawn by lot
};

constexpr std::array manners{Manner{false, true}, Manner{true, true}, Manner{false, false},
                             Manner{true, false}, Manner{false, true, true}};

/// The way from the kept workers to the needed ones.
class Replan {
 public:
  Replan(const Problem& problem, Packing kept, const Counts& needed, Manner manner)
      : problem_(problem),
        needed_(problem.units_of(needed)),
        packing_(std::move(kept)),
        manner_(manner),
        shares_(dominant_shares(problem)) {}

  std::optional<Allocation> run() {
    restore_pins();
    if (!place_free() && !exchange_all() && !(manner_.by_chance && place_by_repair())) {
      return std::nullopt;
    }
    if (!fill_groups()) return std::nullopt;
    return Allocation{workers_in(packing_), packing_};
  }

 private:
  const Unit& unit(std::size_t stage) const { return problem_.units()[stage]; }
  std::pair<double, double> size(std::size_t stage) const {
    if (manner_.by_share) return {shares_[stage], 0};
    return {static_cast<double>(unit(stage).gpu_count() * unit(stage).gpu_size()),
            static_cast<double>(unit(stage).cpus)};
  }
  Counts held() const { return units_in(packing_, problem_.size()); }

  Counts workers_in(const Packing& packing) const {
    auto counts = units_in(packing, problem_.size());
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] /= problem_.units_per_worker(i);
    return counts;
  }

  // Pinned numbers are exact, on each node if they are pinned per node.
  void restore_pins() {
    for (std::size_t stage = 0; stage < problem_.size(); ++stage) {
      const auto& demand = problem_.stages()[stage];
      if (demand.workers_per_node) {
        const auto each = *demand.workers_per_node * problem_.units_per_worker(stage);
        for (auto& alike : packing_) cut(alike, stage, each);
      }
      if (demand.workers) cut_to(stage, needed_[stage]);
    }
  }
  void cut(Alike& alike, std::size_t stage, std::uint64_t most) const {
    while (alike.units[stage] > most) {
      alike.take_off(stage, unit(stage), alike.units[stage] - 1);
    }
  }
  void cut_to(std::size_t stage, std::uint64_t wanted) {
    auto count = held()[stage];
    for (std::size_t i = 0; i < packing_.size() && count > wanted; ++i) {
      const auto each = packing_[i].units[stage];
      if (each == 0) continue;
      const auto nodes =
          std::min<std::uint64_t>((count - wanted + each - 1) / each, packing_[i].nodes.size());
      auto& alike = split(packing_, i, nodes);
      const auto spare = (count - wanted) / nodes;
      cut(alike, stage, each - std::min(each, std::max<std::uint64_t>(spare, 1)));
      count = held()[stage];
      if (count > wanted) --i;
    }
  }

  // Stages of which units are missing, those with the largest units first.
  Stages missing() const {
    const auto now = held();
    Stages stages;
    for (std::size_t i = 0; i < problem_.size(); ++i) {
      if (now[i] < needed_[i]) stages.push_back(i);
    }
    std::stable_sort(stages.begin(), stages.end(),
                     [this](auto a, auto b) { return size(a) > size(b); });
    return stages;
  }

  bool place_free() {
    for (const auto stage : missing()) {
      if (problem_.stages()[stage].workers_per_node) {
        place_pins(stage);
      } else {
        place(packing_, stage, unit(stage), needed_[stage] - held()[stage], Fill::tight);
      }
    }
    return missing().empty();
  }

  void place_pins(std::size_t stage) {
    const auto each = *problem_.stages()[stage].workers_per_node * problem_.units_per_worker(stage);
    for (auto& alike : packing_) {
      const auto& node = problem_.topology().nodes[alike.nodes.front()];
      if (node.workers == 0 || (unit(stage).gpu_count() > 0 && node.gpus == 0)) continue;
      while (alike.units[stage] < each && alike.room.most(unit(stage)) > 0) {
        alike.take(stage, unit(stage), 1);
      }
    }
  }

  // A unit that has to make room is smaller than the one that takes it, so this comes to an end.
  bool exchange_all() {
    for (auto stages = missing(); !stages.empty(); stages = missing()) {
      if (!exchange(stages.front())) return false;
    }
    return true;
  }

  /// Units that leave each of some nodes so that one of another stage fits.
  struct Exchange {
    std::size_t index = 0;
    Alike after;
    Counts put_out;
    std::uint64_t moved = 0;    ///< put out though needed: they have to find room elsewhere
    std::uint64_t stopped = 0;  ///< put out because there are more than needed

    auto cost() const { return std::pair(moved, stopped); }
  };

  // Where least has to move, and on as many equal nodes as need it.
  bool exchange(std::size_t stage) {
    const auto surplus = surplus_now();
    std::optional<Exchange> best;
    for (std::size_t i = 0; i < packing_.size(); ++i) {
      auto way = try_exchange(i, stage, surplus);
      if (way && (!best || way->cost() < best->cost())) best = std::move(way);
    }
    if (!best) return false;
    auto nodes = best->moved > 0 ? 1 : needed_[stage] - held()[stage];
    for (std::size_t i = 0; i < surplus.size(); ++i) {
      if (best->put_out[i] == 0) continue;
      nodes = std::min(nodes, std::max<std::uint64_t>(1, surplus[i] / best->put_out[i]));
    }
    auto& chosen = split(packing_, best->index, nodes);
    best->after.nodes = std::move(chosen.nodes);
    chosen = std::move(best->after);
    return true;
  }

  Counts surplus_now() const {
    auto surplus = held();
    for (std::size_t i = 0; i < surplus.size(); ++i) {
      surplus[i] -= std::min(surplus[i], needed_[i]);
    }
    return surplus;
  }

  std::optional<Exchange> try_exchange(std::size_t index, std::size_t stage,
                                       const Counts& surplus) const {
    Exchange way{index, packing_[index], Counts(problem_.size(), 0), 0, 0};
    while (way.after.room.most(unit(stage)) == 0) {
      auto out = most_spare(way, stage, surplus);
      ++(out ? way.stopped : way.moved);
      if (!out) out = giving_way(way, stage);
      if (!out) return std::nullopt;
      way.after.take_off(*out, unit(*out), way.after.units[*out] - 1);
      ++way.put_out[*out];
    }
    way.after.take(stage, unit(stage), 1);
    return way;
  }

  // Whether it would help that a unit of `out` leaves.
  bool helps(const Exchange& way, std::size_t out, std::size_t stage) const {
    return way.after.units[out] > 0 && !problem_.stages()[out].workers_per_node &&
           way.after.room.is_short_of(unit(stage), unit(out));
  }

  // The stage with units here of which most are more than needed, in relation.
  std::optional<std::size_t> most_spare(const Exchange& way, std::size_t stage,
                                        const Counts& surplus) const {
    std::optional<std::size_t> found;
    double most = 0;
    for (std::size_t i = 0; i < surplus.size(); ++i) {
      if (surplus[i] <= way.put_out[i] || !helps(way, i, stage)) continue;
      const double spare =
          static_cast<double>(surplus[i] - way.put_out[i]) / static_cast<double>(needed_[i]);
      if (spare > most) {
        most = spare;
        found = i;
      }
    }
    return found;
  }

  // Needed units go only for larger ones.
  std::optional<std::size_t> giving_way(const Exchange& way, std::size_t stage) const {
    std::optional<std::size_t> largest;
    std::optional<std::size_t> smallest;
    for (std::size_t i = 0; i < problem_.size(); ++i) {
      if (!(size(i) < size(stage)) || !helps(way, i, stage)) continue;
      if (!largest || size(*largest) < size(i)) largest = i;
      const bool less = manner_.smallest && (!smallest || size(i) < size(*smallest));
      if (less && makes_room(way, i, stage)) smallest = i;
    }
    return smallest ? smallest : largest;
  }

  bool makes_room(const Exchange& way, std::size_t out, std::size_t stage) const {
    auto after = way.after;
    after.take_off(out, unit(out), after.units[out] - 1);
    return after.room.most(unit(stage)) > 0;
  }

  // Nothing that is more than needed stays, and others move.
  bool place_by_repair() {
    for (std::size_t i = 0; i < problem_.size(); ++i) cut_to(i, needed_[i]);
    if (place_free()) return true;
    std::vector<double> sizes;
    for (std::size_t i = 0; i < problem_.size(); ++i) {
      sizes.push_back(static_cast<double>(unit(i).ranks));
    }
    const auto steps = 10 * std::max<std::uint64_t>(problem_.topology().nodes.size(), 100);
    std::uint64_t spent = 0;
    auto repaired = pack_by_repair(packing_, problem_.start(), problem_.units(), needed_, sizes,
                                   steps, 1, spent);
    if (!repaired) return false;
    packing_ = alike_together(*repaired);
    return true;
  }

  // A group that spans nodes must not stay in parts.
  bool fill_groups() {
    for (std::size_t stage = 0; stage < problem_.size(); ++stage) {
      const auto rest = held()[stage] % problem_.units_per_worker(stage);
      if (rest > 0) cut_to(stage, held()[stage] - rest);
    }
    return missing().empty();
  }

  const Problem& problem_;
  Counts needed_;  ///< units
  Packing packing_;
  Manner manner_;
  std::vector<double> shares_;
};

// What the stages need for a part of the throughput of `fresh`.
Counts needed_for(const Problem& problem, const Allocation& fresh, double part) {
  double throughput = std::numeric_limits<double>::infinity();
  const auto limits = [&](std::size_t i) {
    return problem.stages()[i].speed && !problem.stages()[i].pinned();
  };
  for (std::size_t i = 0; i < problem.size(); ++i) {
    const double mine = static_cast<double>(fresh.needed[i]) * problem.reach(i);
    if (limits(i)) throughput = std::min(throughput, mine);
  }
  auto needed = fresh.needed;
  for (std::size_t i = 0; i < problem.size(); ++i) {
    if (!limits(i)) continue;
    const double workers = std::ceil(part * throughput / problem.reach(i) * (1 - 1e-9));
    needed[i] = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(workers), 1, needed[i]);
  }
  return needed;
}

std::vector<Counts> by_node(const Packing& packing, std::size_t nodes) {
  std::vector<Counts> units(nodes);
  for (const auto& alike : packing) {
    for (const auto node : alike.nodes) units[node] = alike.units;
  }
  return units;
}

std::uint64_t started(const std::vector<Counts>& before, const std::vector<Counts>& after) {
  std::uint64_t sum = 0;
  for (std::size_t node = 0; node < before.size(); ++node) {
    for (std::size_t i = 0; i < before[node].size(); ++i) {
      sum += after[node][i] - std::min(after[node][i], before[node][i]);
    }
  }
  return sum;
}

std::uint64_t missing_of(const Counts& needed, const Counts& held) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < needed.size(); ++i) sum += needed[i] - std::min(needed[i], held[i]);
  return sum;
}

/// The allocation with the fewest moves so far.
class Fewest {
 public:
  Fewest(const Problem& problem, const Packing& kept, const Allocation& fresh)
      : nodes_(problem.topology().nodes.size()),
        before_(by_node(kept, nodes_)),
        best_(fresh),
        moves_(started(before_, by_node(fresh.packing, nodes_))) {}

  bool offer(std::optional<Allocation> found) {
    if (!found) return false;
    const auto moves = started(before_, by_node(found->packing, nodes_));
    if (moves <= moves_) {
      best_ = *std::move(found);
      moves_ = moves;
    }
    return true;
  }

  bool within(double most) const { return static_cast<double>(moves_) <= most; }
  Allocation best() && { return std::move(best_); }

 private:
  std::size_t nodes_;
  std::vector<Counts> before_;
  Allocation best_;
  std::uint64_t moves_;
};

}  // namespace

Allocation replan(const Problem& problem, const Plan& current, const Allocation& fresh) {
  const auto kept = kept_packing(problem, current);
  const auto held = units_in(kept, problem.size());
  Fewest fewest(problem, kept, fresh);
  for (const double part : {1.0, 0.998, 0.995, 0.99}) {
    const auto needed = needed_for(problem, fresh, part);
    const auto least = static_cast<double>(missing_of(problem.units_of(needed), held));
    bool found = false;
    for (const auto manner : manners) {
      if (found && manner.by_chance) continue;
      found = fewest.offer(Replan(problem, kept, needed, manner).run()) || found;
      if (fewest.within(1.02 * least)) return std::move(fewest).best();
    }
  }
  return std::move(fewest).best();
}

}  // namespace sluice::control
