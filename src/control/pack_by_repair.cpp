#include "control/packing.hpp"

#include <algorithm>
#include <deque>
#include <numeric>
#include <optional>
#include <random>
#include <utility>

namespace sluice::control {
namespace {

/// Takes up one unit after the other that found no room: puts others out of a node until it fits,
/// and those look for room next.
class Repair {
 public:
  Repair(const Packing& packing, const Packing& fixed, const std::vector<Unit>& units,
         const std::vector<double>& sizes, std::uint64_t seed, std::uint64_t& spent)
      : units_(units), sizes_(sizes), chance_(seed), spent_(spent) {
    for (std::size_t stage = 0; stage < units.size(); ++stage) largest_first_.push_back(stage);
    std::stable_sort(largest_first_.begin(), largest_first_.end(),
                     [this](auto a, auto b) { return sizes_[a] > sizes_[b]; });
    for (const auto& alike : packing) {
      for (const auto node : alike.nodes) {
        nodes_.push_back(alike);
        nodes_.back().nodes = {node};
        fixed_.push_back(units_of_node(fixed, node));
      }
    }
  }

  bool run(const Counts& wanted, std::uint64_t steps) {
    queue(wanted);
    // A step finds room for one at most.
    for (; !homeless_.empty() && steps >= homeless_.size(); --steps) {
      ++spent_;
      const auto stage = homeless_.front();
      homeless_.pop_front();
      if (!settle(stage) && !make_room(stage)) return false;
    }
    return homeless_.empty();
  }

  Packing result() && { return std::move(nodes_); }

 private:
  struct Eviction {
    std::size_t node = 0;
    Alike after;
    std::vector<std::size_t> put_out;
    double size = 0;
  };

  static const Counts& units_of_node(const Packing& fixed, std::uint32_t node) {
    const auto holds = [node](const Alike& alike) {
      return std::find(alike.nodes.begin(), alike.nodes.end(), node) != alike.nodes.end();
    };
    return std::find_if(fixed.begin(), fixed.end(), holds)->units;
  }

  void queue(const Counts& wanted) {
    const auto held = units_in(nodes_, units_.size());
    for (std::size_t stage = 0; stage < units_.size(); ++stage) {
      for (auto i = held[stage]; i < wanted[stage]; ++i) homeless_.push_back(stage);
    }
    std::stable_sort(homeless_.begin(), homeless_.end(),
                     [this](auto a, auto b) { return sizes_[a] > sizes_[b]; });
  }

  bool settle(std::size_t stage) {
    const auto start = chance_() % nodes_.size();
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      auto& node = nodes_[(start + i) % nodes_.size()];
      if (node.room.most(units_[stage]) == 0) continue;
      node.take(stage, units_[stage], 1);
      return true;
    }
    return false;
  }

  // Of a few ways to make room at random, that which puts out least.
  bool make_room(std::size_t stage) {
    constexpr int tries = 12;
    std::optional<Eviction> best;
    for (int i = 0; i < tries; ++i) {
      auto way = try_node(chance_() % nodes_.size(), stage);
      if (way && (!best || way->size < best->size)) best = std::move(way);
    }
    if (!best) {
      homeless_.push_back(stage);
      return true;
    }
    nodes_[best->node] = std::move(best->after);
    for (const auto each : best->put_out) homeless_.push_back(each);
    return true;
  }

  // What is taken off may find its place again, on another GPU perhaps; what is fixed has to.
  std::optional<Eviction> try_node(std::size_t index, std::size_t stage) {
    Eviction way{index, nodes_[index], {}, 0};
    Counts out(units_.size(), 0);
    while (way.after.room.most(units_[stage]) == 0) {
      const auto victim = take_any_off(way.after);
      if (!victim) return std::nullopt;
      ++out[*victim];
      ++spent_;
    }
    way.after.take(stage, units_[stage], 1);
    put_back(way, std::move(out));
    for (std::size_t each = 0; each < units_.size(); ++each) {
      if (way.after.units[each] < fixed_[index][each]) return std::nullopt;
    }
    return way;
  }

  // First what is fixed, then the larger before the smaller.
  void put_back(Eviction& way, Counts out) const {
    const auto& fixed = fixed_[way.node];
    const auto back = [&](std::size_t stage, std::uint64_t most) {
      const auto count = std::min({out[stage], most, way.after.room.most(units_[stage])});
      way.after.take(stage, units_[stage], count);
      out[stage] -= count;
    };
    for (const auto stage : largest_first_) {
      back(stage, fixed[stage] - std::min(fixed[stage], way.after.units[stage]));
    }
    for (const auto stage : largest_first_) {
      back(stage, out[stage]);
      way.put_out.insert(way.put_out.end(), out[stage], stage);
      way.size += static_cast<double>(out[stage]) * sizes_[stage];
    }
  }

  // The stage of a unit at random, which is taken off the node.
  std::optional<std::size_t> take_any_off(Alike& node) {
    const auto all = std::accumulate(node.units.begin(), node.units.end(), std::uint64_t{0});
    if (all == 0) return std::nullopt;
    auto number = chance_() % all;
    std::size_t stage = 0;
    while (number >= node.units[stage]) number -= node.units[stage++];
    node.take_off(stage, units_[stage], number);
    return stage;
  }

  const std::vector<Unit>& units_;
  const std::vector<double>& sizes_;
  std::mt19937_64 chance_;
  Packing nodes_;
  std::vector<Counts> fixed_;
  std::deque<std::size_t> homeless_;
  std::vector<std::size_t> largest_first_;
  std::uint64_t& spent_;
};

}  // namespace

std::optional<Packing> pack_by_repair(const Packing& packing, const Packing& fixed,
                                      const std::vector<Unit>& units, const Counts& wanted,
                                      const std::vector<double>& sizes, std::uint64_t steps,
                                      std::uint64_t seed, std::uint64_t& spent) {
  Repair repair(packing, fixed, units, sizes, seed, spent);
  if (!repair.run(wanted, steps)) return std::nullopt;
  return std::move(repair).result();
}

}  // namespace sluice::control
