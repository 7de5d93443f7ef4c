#pragma once

#include "observe/history.hpp"

#include <sluice/run.hpp>

#include <deque>
#include <vector>

namespace sluice::observe {

/// What happened from one picture of a run to a later one.
RunStatus difference(const RunStatus& now, const RunStatus& then);

/// What happened lately: over the last `window` seconds, or since the start if the run is younger.
class Recent {
 public:
  explicit Recent(double window = 20) : window_(window) {}
  /// Takes in a picture, later than those before, and returns what happened up to it.
  RunStatus note(const RunStatus& status);

 private:
  double window_;
  std::deque<RunStatus> pictures_;
};

/// Likewise, of the last attempt at a run of which there are these pictures; up to its end if it
/// has ended.
RunStatus lately(const std::vector<Moment>& moments);
/// Of the whole attempt at a run, to which this is the last picture.
RunStatus in_all(const RunStatus& status);

/// Inputs done a second.
double rate_of(const RunStatus& lately);

}  // namespace sluice::observe
