#pragma once

#include "control/run_control.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace sluice::control {

/// Reports that came too early. A producer that knows beforehand where its output goes sends it and
/// then says so, and the consumer may be heard first: its reports wait, so that the coordinator
/// hears of every batch in the order in which it came about. Pure.
template <class Report>
class EarlyReports {
 public:
  /// True if the report must wait, and was taken.
  bool hold(Rank from, Report& report, const RunControl& control) {
    if (!held_.contains(from) && !is_early(report, control)) return false;
    held_[from].push_back(std::move(report));
    return true;
  }

  /// One that need not wait any more, and whose it is: to be asked for until there is none.
  std::optional<std::pair<Rank, Report>> next(const RunControl& control) {
    for (auto it = held_.begin(); it != held_.end(); ++it) {
      if (is_early(it->second.front(), control)) continue;
      std::pair<Rank, Report> found{it->first, std::move(it->second.front())};
      it->second.pop_front();
      if (it->second.empty()) held_.erase(it);
      return found;
    }
    return std::nullopt;
  }

  /// All of them but those of dead ranks, in each rank's order: what they wait for will not come
  /// any more. What a dead rank said last does not count.
  std::vector<std::pair<Rank, Report>> take_all(const std::set<Rank>& dead = {}) {
    std::vector<std::pair<Rank, Report>> all;
    for (auto& [rank, reports] : held_) {
      if (dead.contains(rank)) continue;
      for (auto& report : reports) all.emplace_back(rank, std::move(report));
    }
    held_.clear();
    return all;
  }

 private:
  static bool is_early(const Report& report, const RunControl& control) {
    return std::any_of(report.events.begin(), report.events.end(),
                       [&control](const Event& event) { return control.is_early(event); });
  }

  std::map<Rank, std::deque<Report>> held_;
};

}  // namespace sluice::control
