#pragma once

#include "control/roles.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <utility>
#include <variant>
#include <vector>

namespace sluice::control {

/// Ranks as Roles knows them, which do as they are told in an order left to chance.
class Cast {
 public:
  Cast(const std::vector<int>& stages, std::vector<int> nodes, GroupSizes sizes, unsigned seed,
       GpuSeats seats = {})
      : nodes_(nodes),
        sizes_(sizes),
        random_(seed),
        roles(sizes.size(), stages, nodes, true, sizes, std::move(seats)) {
    roles.start(commands_);
    take();
  }

  void reassign(const std::vector<int>& stages, GpuPlaces gpus = {}) {
    for (const Rank rank : roles.reassign(stages, commands_, std::move(gpus))) {
      draining_.insert(rank);
    }
    take();
  }
  void renew(Rank rank, bool renumber) {
    if (roles.renew(rank, renumber)) draining_.insert(rank);
  }
  void end(std::size_t stage) {
    roles.end(stage, commands_);
    take();
  }
  /// Before the run begins again.
  void die(Rank rank) {
    places_.erase(rank);
    from_before_.erase(rank);
    roles.vacated(rank);
  }
  /// All let go of what they have, and the run begins again.
  void begin_again(const std::vector<int>& stages, GpuPlaces gpus) {
    std::erase_if(places_, [](const auto& place) { return place.second.term > 0; });
    owed_.clear();
    draining_.clear();
    then_leaves_.clear();
    roles = Roles(roles, stages, std::move(gpus));
    for (const auto& [rank, place] : places_) from_before_.insert(rank);
    roles.start(commands_);
    take();
  }
  /// A rank that owes a word says it; false if none does.
  bool step() {
    std::vector<Rank> owing;
    for (const auto& [rank, what] : owed_) owing.push_back(rank);
    owing.insert(owing.end(), draining_.begin(), draining_.end());
    if (owing.empty()) return false;
    answer(owing[random_() % owing.size()]);
    take();
    return true;
  }
  void run_out() {
    while (step()) {
    }
  }

  const std::map<Rank, Assign>& places() const { return places_; }

 private:
  enum class Owes { node, ready, left };

  void answer(Rank rank) {
    const auto owed = owed_.find(rank);
    if (owed == owed_.end()) {  // it holds nothing any more
      draining_.erase(rank);
      return roles.retire(rank, commands_);
    }
    const auto what = owed->second;
    owed_.erase(owed);
    if (what == Owes::node) {
      if (then_leaves_.erase(rank) > 0) owed_[rank] = Owes::left;
      return roles.node_ready(rank, commands_);
    }
    if (what == Owes::left) {
      draining_.erase(rank);
      places_.erase(rank);
      from_before_.erase(rank);
      return roles.left(rank, commands_);
    }
    if (!roles.worker_ready(rank)) return;
    if (const auto relieved = roles.relieve(roles.stage_of(rank))) draining_.insert(*relieved);
  }

  void take() {
    for (const auto& command : std::exchange(commands_, {})) {
      if (const auto* order = std::get_if<Assign>(&command)) on(*order);
      if (const auto* order = std::get_if<Retire>(&command)) {
        draining_.erase(order->rank);
        const auto owed = owed_.find(order->rank);
        if (owed != owed_.end() && owed->second == Owes::node) {  // others wait for that
          then_leaves_.insert(order->rank);
        } else {
          owed_[order->rank] = Owes::left;
        }
      }
    }
  }

  void on(const Assign& order) {
    const auto size = group_size(sizes_, static_cast<int>(order.stage));
    EXPECT_EQ(order.group.size(), size > 1 ? size : 0);
    const auto before = places_.find(order.rank);
    if (before != places_.end() && from_before_.erase(order.rank) > 0) {
      EXPECT_TRUE(before->second.gpus.empty() || before->second.gpus == order.gpus);
      places_.erase(before);
    } else if (before != places_.end()) {
      EXPECT_TRUE(before->second.setup_node) << "it has a place already";
      EXPECT_EQ(before->second.term, order.term);
    }
    for (const auto& [rank, place] : places_) {  // whoever is in the group has no other place
      if (from_before_.contains(rank)) continue;
      const bool is_in = std::count(order.group.begin(), order.group.end(), rank) > 0;
      EXPECT_EQ(is_in, order.term > 0 && place.term == order.term) << rank;
    }
    places_[order.rank] = order;
    const bool follows = !order.group.empty() && order.group.front() != order.rank;
    if (order.setup_node) owed_[order.rank] = Owes::node;
    if (!order.setup_node && !follows) owed_[order.rank] = Owes::ready;
  }

  std::vector<int> nodes_;
  GroupSizes sizes_;
  std::mt19937_64 random_;
  Commands commands_;
  std::map<Rank, Assign> places_;
  std::map<Rank, Owes> owed_;
  /// Of before the run began again: they have what they had then, until they are told otherwise.
  std::set<Rank> from_before_;
  std::set<Rank> draining_;
  std::set<Rank> then_leaves_;  ///< when their nodes are set up

 public:
  Roles roles;
};

}  // namespace sluice::control
