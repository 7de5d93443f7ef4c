#pragma once

#include "control/types.hpp"

#include <optional>
#include <set>
#include <vector>

namespace sluice::control {

/// When what is done is committed, and which workers must close their parts for it. Pure.
///
/// A part is what a worker of a stage that writes at teardown has written since it was set up last.
/// A commit is of the inputs that are done when it begins: what became of them is in parts that are
/// closed, or in those that are open then, so it is complete when each of these has been closed. A
/// part costs a file, so a stage with parts commits more seldom the longer the run has lasted.
class Commits {
 public:
  /// The least time between two commits.
  explicit Commits(Time every) : every_(every), next_(every) {}

  /// The worker has begun a part; told again for one that it holds already, nothing changes.
  void opened(Rank rank) { open_.insert(rank); }
  /// Its part is closed and safe.
  void closed(Rank rank);
  /// The worker died. True if its open part, and so all that was not committed, is lost with it.
  bool lost(Rank rank);

  /// Begins a commit if it is time for one: the workers that are to close their parts.
  std::optional<std::vector<Rank>> begin_if_due(Time now);
  /// Begins one now, unless one is under way.
  std::vector<Rank> begin();
  bool under_way() const { return under_way_; }
  /// Once, when the last part that the commit needs has been closed.
  bool take_complete(Time now);

  /// When `begin_if_due` has something to do at the earliest.
  Time next() const { return under_way_ ? Time::max() : next_; }

 private:
  /// A commit with parts waits until the run has become so much longer.
  static constexpr int share_of_run = 20;

  Time every_;
  Time next_;
  std::set<Rank> open_;
  std::set<Rank> awaited_;
  bool under_way_ = false;
  bool any_parts_ = false;
};

}  // namespace sluice::control
