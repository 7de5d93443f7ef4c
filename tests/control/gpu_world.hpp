#pragma once

#include "control/bench.hpp"
#include "control/cast.hpp"
#include "control/gpu_seats.hpp"
#include "control/random.hpp"
#include "control/role_change.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace sluice::control::world {

inline StageDemand demand_gpus(double gpus, std::optional<std::uint64_t> workers = {}) {
  StageDemand stage;
  stage.name = "s";
  stage.cpus = 0;
  stage.gpus = gpus;
  stage.workers = workers;
  return stage;
}

/// A machine with GPUs, stages that share them, and a plan that changes.
struct GpuWorld {
  explicit GpuWorld(std::uint64_t seed) : random(seed) {
    const auto node_count = random.between(1, 2);
    node_of_rank = {0};
    for (std::uint64_t n = 0; n < node_count; ++n) {
      const auto ranks = random.between(2, 7);
      topology.nodes.push_back({"n", 64, random.between(1, 3), 0, ranks});
      node_of_rank.insert(node_of_rank.end(), ranks, static_cast<int>(n));
    }
    for (auto k = random.between(2, 5); k > 0; --k) {
      stages.push_back(demand_gpus(random.pick({0.0, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 1.0, 2.0})));
      stages.back().group = random.chance(0.2) ? 2 : 1;
    }
    for (const auto& stage : stages) sizes.push_back(stage.group);
  }

  /// Some workers stay where they are, or none does, and others come wherever there is room, as far
  /// as there are ranks. False if a stage has none then.
  bool replan() {
    std::vector<std::vector<double>> room;
    std::vector<std::uint64_t> ranks;
    for (const auto& node : topology.nodes) {
      room.emplace_back(node.gpus, 1.0);
      ranks.push_back(*node.workers);
    }
    Plan next;
    next.stages.resize(stages.size());
    if (plan && random.chance(0.5)) keep_some(*plan, next, room, ranks);
    for (int tries = 0; tries < 40; ++tries) {
      const auto k = tries < 20 ? static_cast<std::size_t>(tries) % stages.size()
                                : random.between(0, stages.size() - 1);
      add(next.stages[k], stages[k], random.between(0, room.size() - 1), room, ranks);
    }
    const auto empty = [](const StagePlan& stage) { return stage.workers == 0; };
    if (std::any_of(next.stages.begin(), next.stages.end(), empty)) return false;
    plan = next;
    return true;
  }
  GpuSeats seats() {
    std::vector<double> gpus;
    for (const auto& stage : stages) gpus.push_back(stage.gpus);
    std::vector<Gpus> visible;
    for (const int node : node_of_rank) {
      auto& all = visible.emplace_back();
      for (std::uint32_t i = 0; i < topology.nodes[static_cast<std::size_t>(node)].gpus; ++i) {
        all.push_back(i);
      }
    }
    GpuSeats result(gpus, node_of_rank, visible);
    result.plan(gpu_places(*plan, stages));
    return result;
  }
  void expect_nothing_given_twice(const Cast& cast) const {
    std::map<std::pair<int, std::uint32_t>, double> loads;
    for (const auto& [rank, place] : cast.places()) {
      const auto gpus = stages[place.stage].gpus;
      ASSERT_EQ(place.gpus.size(), static_cast<std::size_t>(std::ceil(gpus)));
      const int node = node_of_rank[static_cast<std::size_t>(rank)];
      for (const auto gpu : place.gpus) loads[{node, gpu}] += std::min(gpus, 1.0);
    }
    for (const auto& [gpu, load] : loads) {
      ASSERT_LE(load, 1 + 1e-5) << "GPU " << gpu.second << " of node " << gpu.first;
    }
  }
  void expect_all_seated(const Cast& cast, const std::vector<int>& wanted) const {
    for (std::size_t rank = 1; rank < wanted.size(); ++rank) {
      const auto place = cast.places().find(static_cast<Rank>(rank));
      const bool has_place = place != cast.places().end();
      ASSERT_EQ(has_place ? static_cast<int>(place->second.stage) : -1, wanted[rank]) << rank;
    }
  }
  bool can_be(const Cast& cast, const std::vector<int>& wanted) const {
    const auto from = cast.roles.destinations();
    const auto before = cast.roles.primaries();
    const auto after = form_groups(wanted, node_of_rank, sizes, before);
    const RoleChange change{from, wanted, before, after, groups_of(after)};
    std::vector<bool> goes_on(stages.size(), false);
    for (std::size_t rank = 1; rank < wanted.size(); ++rank) {
      const auto moves = [&](std::size_t each) { return change.moves(each); };
      if (change.groups_after[rank].empty() || change.any_of_group(rank, moves)) continue;
      goes_on[static_cast<std::size_t>(wanted[rank])] = true;
    }
    auto seats = cast.roles.seats();
    seats.plan(gpu_places(*plan, stages));
    return can_be_carried_out(change, goes_on, std::move(seats));
  }

  using Room = std::vector<std::vector<double>>;

  static Share& share_of(StagePlan& stage, std::size_t node) {
    for (auto& share : stage.shares) {
      if (share.node == node) return share;
    }
    return stage.shares.emplace_back(Share{node});
  }
  void put(StagePlan& stage, const StageDemand& asks, std::size_t node,
           const std::vector<GpuShare>& gpus, Room& room, std::vector<std::uint64_t>& ranks) const {
    auto& share = share_of(stage, node);
    for (const auto& each : gpus) {
      room[node][each.gpu] -= each.share;
      share.gpus.push_back(each);
    }
    ++stage.workers;
    ++share.workers;
    share.ranks += asks.group;
    ranks[node] -= asks.group;
  }
  void add(StagePlan& stage, const StageDemand& asks, std::size_t node, Room& room,
           std::vector<std::uint64_t>& ranks) {
    if (ranks[node] < asks.group) return;
    auto left = room[node];
    std::vector<GpuShare> gpus;
    for (std::uint64_t rank = 0; rank < asks.group; ++rank) {
      std::set<std::uint64_t> own;
      for (double i = 0; i < std::ceil(asks.gpus); ++i) {
        const auto start = random.next();
        bool found = false;
        for (std::uint64_t j = 0; j < left.size() && !found; ++j) {
          const auto gpu = (start + j) % left.size();
          found = left[gpu] + 1e-6 >= std::min(asks.gpus, 1.0) && own.insert(gpu).second;
          if (!found) continue;
          gpus.push_back({gpu, std::min(asks.gpus, 1.0)});
          left[gpu] -= gpus.back().share;
        }
        if (!found) return;
      }
    }
    put(stage, asks, node, gpus, room, ranks);
  }
  void keep_some(const Plan& from, Plan& to, Room& room, std::vector<std::uint64_t>& ranks) {
    for (std::size_t k = 0; k < stages.size(); ++k) {
      for (const auto& share : from.stages[k].shares) {
        const auto each = share.gpus.size() / share.workers;
        for (std::uint64_t i = 0; i < share.workers; ++i) {
          if (random.chance(0.3)) continue;
          const auto first = share.gpus.begin() + static_cast<std::ptrdiff_t>(i * each);
          put(to.stages[k], stages[k], share.node,
              {first, first + static_cast<std::ptrdiff_t>(each)}, room, ranks);
        }
      }
    }
  }

  Random random;
  Topology topology;
  std::vector<int> node_of_rank;
  std::vector<StageDemand> stages;
  GroupSizes sizes;
  std::optional<Plan> plan;
};

}  // namespace sluice::control::world
